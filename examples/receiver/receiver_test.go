package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	key   = []byte("0123456789abcdef0123456789abcdef")
	other = []byte("fedcba9876543210fedcba9876543210")
	noon  = time.Date(2027, 1, 15, 12, 0, 0, 0, time.UTC)
)

func signature(key []byte, id string, at time.Time, body string) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

const opened = `{"specversion":"1.0","id":"msg_1_7","type":"as.lifecycle_action_opened","source":"ari:as:main:default:group/web","time":"2027-01-15T12:00:00Z","data":
	{"namespace":"default","group":"web","instance":"i-1","subject":"warm","attributes":{"token":"the-token","hook":"warm","transition":"LAUNCHING"}}}`

// post sends a body, signed by the keys, at the time.
func post(t *testing.T, r *receiver, id string, at time.Time, body string, keys ...[]byte) int {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/any", strings.NewReader(body))
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	var all []string
	for _, k := range keys {
		all = append(all, signature(k, id, at, body))
	}
	req.Header.Set("webhook-signature", strings.Join(all, " "))
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w.Code
}

func made(secrets ...[]byte) (r *receiver, printed *[]string) {
	printed = &[]string{}
	return &receiver{secrets: secrets, now: func() time.Time { return noon }, print: func(e event) { *printed = append(*printed, e.String()) }}, printed
}

func TestOnlyWhatIsSignedAndNewIsTaken(t *testing.T) {
	for name, c := range map[string]struct {
		at   time.Time
		keys [][]byte
		want int
	}{
		"signed":                      {noon, [][]byte{key}, 204},
		"signed by two, one known":    {noon, [][]byte{other, key}, 204},
		"four minutes old":            {noon.Add(-4 * time.Minute), [][]byte{key}, 204},
		"six minutes old":             {noon.Add(-6 * time.Minute), [][]byte{key}, 401},
		"from in six minutes":         {noon.Add(6 * time.Minute), [][]byte{key}, 401},
		"signed by somebody else":     {noon, [][]byte{other}, 401},
		"not signed":                  {noon, nil, 401},
		"signed before the epoch ...": {time.Unix(-1<<40, 0), [][]byte{key}, 401},
	} {
		r, printed := made(key)
		if got := post(t, r, "msg_1_7", c.at, opened, c.keys...); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
		if (len(*printed) == 1) != (c.want == 204) {
			t.Errorf("%s: printed %v", name, *printed)
		}
	}
}

func TestABodyThatWasChangedIsRefused(t *testing.T) {
	r, _ := made(key)
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Replace(opened, "web", "wef", 1)))
	req.Header.Set("webhook-id", "msg_1_7")
	req.Header.Set("webhook-timestamp", strconv.FormatInt(noon.Unix(), 10))
	req.Header.Set("webhook-signature", signature(key, "msg_1_7", noon, opened))
	w := httptest.NewRecorder()
	if r.ServeHTTP(w, req); w.Code != 401 {
		t.Errorf("%d", w.Code)
	}
	for _, bad := range []string{"", "v1", "v1,", "v1,!!", "v2," + strings.TrimPrefix(signature(key, "msg_1_7", noon, opened), "v1,")} {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(opened))
		req.Header.Set("webhook-id", "msg_1_7")
		req.Header.Set("webhook-timestamp", strconv.FormatInt(noon.Unix(), 10))
		req.Header.Set("webhook-signature", bad)
		w := httptest.NewRecorder()
		if r.ServeHTTP(w, req); w.Code != 401 {
			t.Errorf("%q: %d", bad, w.Code)
		}
	}
}

func TestARepeatIsTakenAndNotActedOn(t *testing.T) {
	r, printed := made(key, other)
	for range 3 {
		if got := post(t, r, "msg_1_7", noon, opened, other); got != 204 {
			t.Errorf("%d", got)
		}
	}
	if len(*printed) != 1 || strings.Contains((*printed)[0], "the-token") {
		t.Errorf("%q", *printed)
	}
	for n := range maxSeen + 5 {
		r.remember(fmt.Sprint(n))
	}
	if len(r.seen) != maxSeen || len(r.ids) != maxSeen {
		t.Errorf("%d and %d are remembered", len(r.seen), len(r.ids))
	}
}

func TestHooksAreCompletedBeforeTheNoticeIsTaken(t *testing.T) {
	answer, text := 503, `{}`
	var got []string
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		got = append(got, req.URL.Path+" "+string(body))
		w.WriteHeader(answer)
		_, _ = w.Write([]byte(text))
	}))
	defer service.Close()
	r, _ := made(key)
	r.completer = &completer{service: service.URL, result: "CONTINUE", http: service.Client()}
	if code := post(t, r, "msg_1_7", noon, opened, key); code != 500 {
		t.Errorf("the service is down: %d", code)
	}
	answer = 200
	if code := post(t, r, "msg_1_7", noon, opened, key); code != 204 {
		t.Errorf("%d", code)
	}
	if post(t, r, "msg_1_7", noon, opened, key); len(got) != 2 {
		t.Errorf("%q", got)
	}
	path, body, _ := strings.Cut(got[1], " ")
	var said map[string]string
	if err := json.NewDecoder(bytes.NewReader([]byte(body))).Decode(&said); err != nil || path != "/v1/namespaces/default/groups/web/lifecycleActions:complete" ||
		said["token"] != "the-token" || said["result"] != "CONTINUE" || said["requestId"] == "" {
		t.Errorf("%q %v", got[1], err)
	}
	answer, text = 400, `{"code":9,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"WRONG_STATE","domain":"autoscaling"}]}`
	if code := post(t, r, "msg_1_8", noon, opened, key); code != 204 {
		t.Errorf("it ended meanwhile: %d", code)
	}
	another := strings.Replace(opened, "as.lifecycle_action_opened", "as.lifecycle_action_ended", 1)
	if post(t, r, "msg_1_9", noon, another, key); len(got) != 3 {
		t.Errorf("%q", got)
	}
}

func TestASecretIsRead(t *testing.T) {
	a, b := "whsec_"+base64.StdEncoding.EncodeToString(key), "whsec_"+base64.StdEncoding.EncodeToString(other)
	if secrets, err := readSecrets("", a+"\n"+b+"\n"); err != nil || len(secrets) != 2 || !bytes.Equal(secrets[1], other) {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{"", "x", "whsec_!"} {
		if _, err := readSecrets("", bad); err == nil {
			t.Errorf("%q is a secret", bad)
		}
	}
	for _, args := range [][]string{{"--result", "ROLLBACK", "--secret", a}, {"--after", "1h", "--secret", a}, {"--nonsense"}, {}} {
		if run(args) == nil {
			t.Errorf("%q is accepted", args)
		}
	}
	if _, err := readSecrets("/does/not/exist", ""); err == nil {
		t.Error("read")
	}
}
