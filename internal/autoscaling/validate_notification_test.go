package autoscaling

import (
	"encoding/base64"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestWebhookURLsAreHTTPWithoutCredentialsOrFragments(t *testing.T) {
	for url, says := range map[string]string{
		"https://hooks.example.com/as":       "",
		"http://127.0.0.1:8080/hook?team=a":  "",
		"http://[::1]:8080":                  "",
		"":                                   "is required",
		"hooks.example.com/as":               "has to begin with",
		"ftp://hooks.example.com":            "has to begin with",
		"file:///etc/passwd":                 "has to begin with",
		"gopher://x":                         "has to begin with",
		"https://user:secret@example.com":    "user name or password",
		"https://user@example.com":           "user name or password",
		"https://":                           "names no host",
		"https://:443/x":                     "names no host",
		"http:example.com":                   "names no host",
		"https://example.com/#top":           "fragment",
		"https://example.com/#":              "fragment",
		"https://exa mple.com":               "is not a URL",
		"https://e.com/" + repeat("x", 2048): "characters",
	} {
		err := ValidateNotificationTarget(&NotificationTarget{Webhook: &Webhook{URL: url, Timeout: 10 * time.Second}})
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", url, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q is in the message: %v", url, err)
		}
	}
}

func repeat(s string, n int) string { return strings.Repeat(s, n) }

func TestWebhookTimeoutsAreOneToThirtySeconds(t *testing.T) {
	for d, ok := range map[time.Duration]bool{
		0: false, 999 * time.Millisecond: false, time.Second: true, 30 * time.Second: true, 31 * time.Second: false, -time.Second: false,
	} {
		err := ValidateNotificationTarget(&NotificationTarget{Webhook: &Webhook{URL: "https://e.com", Timeout: d}})
		if (err == nil) != ok {
			t.Errorf("%s: %v", d, err)
		}
	}
	if ValidateNotificationTarget(&NotificationTarget{}) == nil {
		t.Error("a target that is no place")
	}
}

func TestASecretIsBase64Of24To64Bytes(t *testing.T) {
	of := func(n int) string { return FormatWebhookSecret(make([]byte, n)) }
	for secret, ok := range map[string]bool{
		of(24): true, of(32): true, of(64): true, of(23): false, of(65): false, "": false, "whsec_": false, "hello": false,
		base64.StdEncoding.EncodeToString(make([]byte, 32)): false,
		"whsec_" + strings.Repeat("!", 44):                  false,
		of(32) + "\n":                                       false,
	} {
		err := ValidateWebhookSecret("secret", secret)
		if (err == nil) != ok {
			t.Errorf("%q: %v", secret, err)
		}
		if err != nil && len(secret) > 7 && strings.Contains(err.Error(), secret) {
			t.Errorf("the secret is in %v", err)
		}
	}
}

// Whoever adds a type of event decides whether notifications can be for it.
func TestEveryTypeOfEventIsNotifiableOrOfNoGroup(t *testing.T) {
	ofNoGroup := []EventType{
		EventConfigurationCreated, EventConfigurationUpdated, EventConfigurationDeleted, EventOrphanFound, EventOrphanRemoved,
		EventTargetCreated, EventTargetUpdated, EventTargetDeleted, EventNotificationTest, EventLeaderElected, EventNodeChanged, EventMachinesForgotten, EventTimeSet,
	}
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		seen++
		if Notifiable(EventType(text)) == slices.Contains(ofNoGroup, EventType(text)) {
			t.Errorf("%s: is it an event of a group?", text)
		}
		return true
	})
	if seen < 50 {
		t.Errorf("%d types seen", seen)
	}
}

func TestANotificationNamesKnownTypesOnce(t *testing.T) {
	for _, c := range []struct {
		types []EventType
		ok    bool
	}{
		{nil, true},
		{NotifiableEvents(), true},
		{[]EventType{EventInstanceState}, true},
		{[]EventType{EventInstanceState, EventInstanceState}, false},
		{[]EventType{"INSTANCE_SINGS"}, false},
		{[]EventType{EventLeaderElected}, false},
		{[]EventType{""}, false},
	} {
		if err := ValidateNotification(&Notification{Target: "ops", EventTypes: c.types}); (err == nil) != c.ok {
			t.Errorf("%v: %v", c.types, err)
		}
	}
	if ValidateNotification(&Notification{}) == nil {
		t.Error("a notification of nobody")
	}
}
