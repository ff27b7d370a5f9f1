package cluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// mailbox is a webhook that keeps what it takes, in order. While it is down it
// refuses everything.
type mailbox struct {
	mu    sync.Mutex
	down  bool
	taken []mail
}

type mail struct {
	id, instance string
	index        int64
}

func (b *mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var e struct {
		Data struct{ Index, Instance string }
	}
	if err != nil || json.Unmarshal(body, &e) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	index, _ := strconv.ParseInt(e.Data.Index, 10, 64)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	b.taken = append(b.taken, mail{r.Header.Get("webhook-id"), e.Data.Instance, index})
}

func (b *mailbox) set(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

// missing says which of the events it has not, and what came out of order.
func (b *mailbox) missing(events []*pb.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	there, last := map[int64]bool{}, map[string]int64{}
	for _, m := range b.taken {
		if there[m.index] {
			continue // a repeat
		}
		there[m.index] = true
		if m.instance != "" && m.index < last[m.instance] {
			return fmt.Errorf("event %d of %s came after event %d", m.index, m.instance, last[m.instance])
		}
		last[m.instance] = max(last[m.instance], m.index)
	}
	for _, e := range events {
		if !there[e.Index] {
			return fmt.Errorf("event %d, %s, did not arrive", e.Index, short(e))
		}
	}
	return nil
}

// TestNotificationsSurviveKilledLeaders: the leader is killed again and again
// while it sends, and the webhook is down for a while: everything arrives, in
// order per instance, and no log has the secret.
func TestNotificationsSurviveKilledLeaders(t *testing.T) {
	t.Parallel()
	w := start(t, nodes.Options{Providers: simProviders(20 * time.Millisecond)})
	box := &mailbox{}
	server := httptest.NewServer(box)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })

	w.createConfiguration(&pb.Configuration{Provider: "sim"})
	w.createGroup("web", &pb.Group{
		MaxSize: proto.Int32(20), DesiredCapacity: proto.Int32(0), Configuration: &pb.Group_ConfigurationReference{Name: "web"}, DefaultCooldown: seconds(1),
	})
	var secret string
	w.must("create target and notification", func(ctx context.Context, a api) error {
		n := pb.NewNotificationServiceClient(w.conns[w.leader()])
		m, err := n.CreateNotificationTarget(ctx, &pb.CreateNotificationTargetRequest{
			Parent: namespace, NotificationTargetId: "ops", RequestId: "target",
			NotificationTarget: &pb.NotificationTarget{Kind: &pb.NotificationTarget_Webhook{Webhook: &pb.Webhook{Url: server.URL + "/"}}},
		})
		if err != nil {
			return err
		}
		secret = m.GetWebhook().GetSecret()
		_, err = n.CreateNotification(ctx, &pb.CreateNotificationRequest{
			Parent: groupName("web"), NotificationId: "all", RequestId: "notification", Notification: &pb.Notification{Target: "ops"},
		})
		return err
	})
	subscribed := w.feed.await(0, "the subscription", of("web", pb.Event_NOTIFICATION_CREATED)).Index

	for round := range 6 {
		box.set(round == 2 || round == 3)
		begin := w.feed.last()
		desired := int32(5 - 5*(round%2))
		w.setDesired("web", desired)
		w.feed.await(begin, "something to send", of("web", pb.Event_INSTANCE_STEP))
		w.leader().Kill()
		w.restart()
		w.awaitSettled("web", desired)
	}
	w.eventually("everything arrives", func() error {
		events := w.feed.after(subscribed-1, func(e *pb.Event) bool { return e.Group == "web" })
		if len(events) < 100 {
			return fmt.Errorf("only %d events", len(events))
		}
		return box.missing(events)
	})
	w.eventually("the outbox is empty", func() error {
		return w.attempt(func(ctx context.Context, a api) error {
			m, err := pb.NewNotificationServiceClient(w.conns[w.leader()]).GetNotificationTarget(ctx, &pb.GetNotificationTargetRequest{Name: namespace + "/notificationTargets/ops"})
			if s := m.GetStatus(); err == nil && s.GetPending()+s.GetDeadLetters() != 0 {
				return fmt.Errorf("%v", s)
			}
			return err
		})
	})
	for _, n := range w.Nodes {
		text, err := os.ReadFile(n.LogFile())
		if err != nil {
			t.Fatal(err)
		}
		if len(secret) < 30 || strings.Contains(string(text), strings.TrimPrefix(secret, "whsec_")) {
			t.Errorf("the log of %s has the secret %q", n.ID, secret)
		}
	}
}
