package server

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/notify/webhook"
	"github.com/asctl/as/internal/scheduler/plan"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// runLogging is run with a log of everything.
func runLogging(t *testing.T, c Config, log io.Writer) (stop func()) {
	t.Helper()
	node, err := New(c, hclog.New(&hclog.LoggerOptions{Output: log, Level: hclog.Trace}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- node.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the node ended with: %v", err)
		}
	}
}

// inbox is an endpoint that checks signatures and keeps what it gets.
type inbox struct {
	mu      sync.Mutex
	secrets []string
	got     []map[string]any
	bad     []string
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, secret := range b.secrets {
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		if !strings.Contains(r.Header.Get("webhook-signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))) {
			b.bad = append(b.bad, string(body))
		}
	}
	var e map[string]any
	if err := json.Unmarshal(body, &e); err != nil {
		b.bad = append(b.bad, err.Error())
	}
	b.got = append(b.got, e)
}

// find is the first event of the type that has come.
func (b *inbox) find(eventType string) map[string]any {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.got {
		if e["type"] == eventType {
			return e
		}
	}
	return nil
}

func await(t *testing.T, ctx context.Context, what string, so func() bool) {
	t.Helper()
	for !so() {
		select {
		case <-ctx.Done():
			t.Fatal("it did not come about that " + what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// TestNotificationsReachAWebhookThroughTheAPIAndNoSecretIsTold: a hook's notice
// arrives, signed, and its token completes the hook; a target that hangs beside
// it holds nothing up; neither log, event, metric nor read has a secret.
func TestNotificationsReachAWebhookThroughTheAPIAndNoSecretIsTold(t *testing.T) {
	c, log := dev(t), &lockedBuffer{}
	stop := runLogging(t, c, log)
	stopped := false
	defer func() {
		if !stopped {
			stop()
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn := connect(t, c)
	notifications, groups, hooks := pb.NewNotificationServiceClient(conn), pb.NewGroupServiceClient(conn), pb.NewLifecycleHookServiceClient(conn)

	box := &inbox{}
	good := httptest.NewServer(box)
	defer good.Close()
	hang := make(chan struct{})
	bad := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		select {
		case <-r.Context().Done():
		case <-hang:
		}
	}))
	defer bad.Close()
	defer close(hang)

	const parent, group = "namespaces/default", "namespaces/default/groups/web"
	target := func(id, url string) string {
		m, err := notifications.CreateNotificationTarget(ctx, &pb.CreateNotificationTargetRequest{
			Parent: parent, NotificationTargetId: id,
			NotificationTarget: &pb.NotificationTarget{Kind: &pb.NotificationTarget_Webhook{Webhook: &pb.Webhook{Url: url}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return m.GetWebhook().GetSecret()
	}
	secrets := []string{target("good", good.URL+"/in"), target("bad", bad.URL+"/in")}
	box.secrets = secrets[:1]

	if _, err := notifications.TestNotificationTarget(ctx, &pb.TestNotificationTargetRequest{Name: parent + "/notificationTargets/good"}); err != nil {
		t.Fatal(err)
	}
	await(t, ctx, "the test arrives", func() bool { return box.find("as.notification_test") != nil })

	if _, err := pb.NewConfigurationServiceClient(conn).CreateConfiguration(ctx, &pb.CreateConfigurationRequest{
		Parent: parent, ConfigurationId: "web", Configuration: &pb.Configuration{Provider: "sim"},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := groups.CreateGroup(ctx, &pb.CreateGroupRequest{Parent: parent, GroupId: "web", Group: &pb.Group{
		MaxSize: proto.Int32(3), DesiredCapacity: proto.Int32(0), Configuration: &pb.Group_ConfigurationReference{Name: "web"},
	}}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"good", "bad"} {
		if _, err := notifications.CreateNotification(ctx, &pb.CreateNotificationRequest{Parent: group, NotificationId: id, Notification: &pb.Notification{Target: id}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := hooks.CreateLifecycleHook(ctx, &pb.CreateLifecycleHookRequest{Parent: group, LifecycleHookId: "warm", LifecycleHook: &pb.LifecycleHook{
		Transition: pb.LifecycleHook_LAUNCHING, HeartbeatTimeout: durationpb.New(time.Minute), NotificationTarget: "good",
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := groups.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: group, DesiredCapacity: proto.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	await(t, ctx, "the hook's notice arrives", func() bool { return box.find("as.lifecycle_action_opened") != nil })
	data := box.find("as.lifecycle_action_opened")["data"].(map[string]any)
	token := data["attributes"].(map[string]any)["token"].(string)
	answer, err := http.Post("http://"+c.HTTPAddr+"/v1/"+group+"/lifecycleActions:complete", "application/json",
		strings.NewReader(`{"token": "`+token+`", "result": "CONTINUE"}`))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	answer.Body.Close()
	await(t, ctx, "the instance serves", func() bool {
		g, err := groups.GetGroup(ctx, &pb.GetGroupRequest{Name: group})
		return err == nil && g.GetCounts().GetInService() == 1
	})
	await(t, ctx, "its end arrives", func() bool { return box.find("as.activity_ended") != nil })

	rotated, err := notifications.RotateNotificationTargetSecret(ctx, &pb.RotateNotificationTargetSecretRequest{Name: parent + "/notificationTargets/good"})
	if err != nil {
		t.Fatal(err)
	}
	box.mu.Lock()
	box.got = nil
	box.secrets = append(box.secrets, rotated.GetWebhook().GetSecret()) // both sign now
	box.mu.Unlock()
	secrets = append(secrets, rotated.GetWebhook().GetSecret())
	if _, err := groups.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: group, DesiredCapacity: proto.Int32(0)}); err != nil {
		t.Fatal(err)
	}
	await(t, ctx, "what comes after a rotation arrives", func() bool { return box.find("as.activity_ended") != nil })

	seen := map[string]string{}
	for _, path := range []string{
		"/v1/namespaces/default/notificationTargets", "/v1/namespaces/default/notificationTargets/good", "/v1/namespaces/default/notificationTargets/bad",
		"/v1/namespaces/default/notificationTargets/bad/deliveries", "/v1/namespaces/default/notificationTargets/bad/deadLetters",
		"/v1/" + group + "/notifications", "/v1/" + group + "/lifecycleHooks", "/metrics", "/v1/cluster",
	} {
		answer, err := http.Get("http://" + c.HTTPAddr + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(path, answer.Status, err)
		}
		seen[path] = string(body)
	}
	if !strings.Contains(seen["/metrics"], "autoscaling_notifications_delivered_total") || !strings.Contains(seen["/metrics"], "autoscaling_notifications_pending ") {
		t.Error("notifications are not counted")
	}
	watch, end := context.WithTimeout(ctx, time.Second)
	defer end()
	stream, err := pb.NewEventServiceClient(conn).WatchEvents(watch, &pb.WatchEventsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		e, err := stream.Recv()
		if err != nil {
			break // the second is over
		}
		seen["events"] += e.String()
	}
	if len(seen["events"]) < 1000 {
		t.Error("no events were seen")
	}
	stop()
	stopped = true
	seen["log"] = log.String()
	if len(seen["log"]) < 1000 {
		t.Error("nothing was logged")
	}
	for where, text := range seen {
		for _, secret := range secrets {
			if len(secret) < 30 || strings.Contains(text, strings.TrimPrefix(secret, "whsec_")) {
				t.Errorf("%s has the secret %s", where, secret)
			}
		}
	}
	box.mu.Lock()
	defer box.mu.Unlock()
	if len(box.bad) > 0 {
		t.Errorf("%d are not signed well, e.g. %s", len(box.bad), box.bad[0])
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestTheNoticeInTheDocsIsTheOneThatIsSent keeps docs/notifications.md true: its
// example, its headers, and the list of types.
func TestTheNoticeInTheDocsIsTheOneThatIsSent(t *testing.T) {
	content, err := os.ReadFile("../../docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	docs := string(content)
	var headers http.Header
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		headers = r.Header
		body, _ = io.ReadAll(r.Body)
	}))
	defer s.Close()
	client := webhook.New(webhook.Config{Reach: webhook.Reach{Loopback: true}})
	defer client.Close()
	at := autoscaling.TimeOf(time.Date(2027, 1, 15, 8, 0, 0, 250_000_000, time.UTC))
	n, err := plan.Notice(&autoscaling.Cluster{Name: "main", Incarnation: "b5a1e9b4-3c46-4a0f-8f0a-5f6f3c0a9d11"}, &autoscaling.Delivery{
		ID: 17, Namespace: "default", GroupID: "web", Group: "g", Instance: "i-0123456789abcdef0", Activity: 42, EventIndex: 1234,
		EventType: autoscaling.EventHookWaiting, EventTime: at, Subject: "warm-up", InstanceState: autoscaling.PendingWait, Step: autoscaling.StepHooks,
		Message: "waits in hook warm-up until 2027-01-15T08:02:00.25Z, else ABANDON",
		Details: map[string]string{
			"token": "6d1a3c5e-7f00-8123-8456-789abcdef012", "hook": "warm-up", "instance": "i-0123456789abcdef0", "transition": "LAUNCHING",
			"deadline": "2027-01-15T08:02:00.25Z", "last_deadline": "2027-01-15T11:20:00.25Z", "heartbeat_timeout": "2m0s", "default_result": "ABANDON",
			"metadata": "fill the cache", "target": "ops",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Notify(t.Context(), providers.Endpoint{URL: s.URL, Secrets: []string{"whsec_YW4gZXhhbXBsZSwgbm90IGEgc2VjcmV0IQ=="}, Timeout: 5 * time.Second}, n); err != nil {
		t.Fatal(err)
	}
	var sent bytes.Buffer
	if err := json.Indent(&sent, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	if _, rest, ok := strings.Cut(docs, "```json\n"); !ok || !strings.HasPrefix(rest, sent.String()+"\n```") {
		t.Errorf("docs/notifications.md should have\n%s", sent.String())
	}
	mac := hmac.New(sha256.New, []byte("an example, not a secret!"))
	fmt.Fprintf(mac, "%s.1800000002.%s", headers.Get("webhook-id"), body)
	for _, h := range []string{"Content-Type: " + headers.Get("Content-Type"), "webhook-id: " + headers.Get("webhook-id"), "webhook-timestamp: 1800000002", "webhook-signature: v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))} {
		if !strings.Contains(docs, h) {
			t.Errorf("docs/notifications.md should have the header %q", h)
		}
	}
	for _, e := range autoscaling.NotifiableEvents() {
		if !strings.Contains(docs, "| `"+plan.NoticeType(e)+"` |") {
			t.Errorf("docs/notifications.md should have a row for %s", plan.NoticeType(e))
		}
	}
}
