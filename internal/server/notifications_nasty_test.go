package server

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// nasty are endpoints as nobody wants them.
func nasty(t *testing.T) map[string]string {
	t.Helper()
	over, block := make(chan struct{}), make([]byte, 1<<20)
	serve := func(fn http.HandlerFunc) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			fn(w, r)
		}))
		t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
		return s.URL + "/"
	}
	urls := map[string]string{
		"hangs": serve(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-over:
			}
		}),
		"answers-500": serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }),
		"redirects":   serve(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusPermanentRedirect) }),
		"sends-1gb": serve(func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 10 {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}),
		"resets": serve(func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
				_ = conn.(*net.TCPConn).SetLinger(0)
				_ = conn.Close()
			}
		}),
		"is-nobody": "http://127.0.0.1:1/",
	}
	t.Cleanup(func() { close(over) }) // before the servers end
	return urls
}

// TestNothingWaitsForNastyWebhooks: a group whose events go to six of them scales
// out, in and out again while five of them have not taken a single event.
func TestNothingWaitsForNastyWebhooks(t *testing.T) {
	c := dev(t)
	run(t, c)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	conn := connect(t, c)
	const parent = "namespaces/default"
	if _, err := pb.NewConfigurationServiceClient(conn).CreateConfiguration(ctx, &pb.CreateConfigurationRequest{
		Parent: parent, ConfigurationId: "web", Configuration: &pb.Configuration{Provider: "sim"},
	}); err != nil {
		t.Fatal(err)
	}
	notifications := pb.NewNotificationServiceClient(conn)
	for id, url := range nasty(t) {
		if _, err := notifications.CreateNotificationTarget(ctx, &pb.CreateNotificationTargetRequest{
			Parent: parent, NotificationTargetId: id,
			NotificationTarget: &pb.NotificationTarget{Kind: &pb.NotificationTarget_Webhook{Webhook: &pb.Webhook{Url: url}}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	takes := map[string]bool{"hangs": false, "answers-500": false, "redirects": false, "sends-1gb": true, "resets": false, "is-nobody": false}
	moved := move(t, ctx, conn, slices.Collect(maps.Keys(takes)))
	for id, takesAll := range takes {
		target := func() *pb.NotificationTarget_Status {
			m, err := notifications.GetNotificationTarget(ctx, &pb.GetNotificationTargetRequest{Name: parent + "/notificationTargets/" + id})
			if err != nil {
				t.Fatal(err)
			}
			return m.GetStatus()
		}
		if takesAll {
			await(t, ctx, id+" has everything", func() bool { return target().GetPending() == 0 })
		} else if status := target(); status.GetPending() < moved {
			t.Errorf("%s: %v: instances came and went %d times, and none of it was taken", id, status, moved)
		}
	}
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 400<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

// move scales a group out, in and out again, whose events go to the targets. It
// answers how many instances came and went.
func move(t *testing.T, ctx context.Context, conn *grpc.ClientConn, targets []string) (moved int32) {
	t.Helper()
	groups := pb.NewGroupServiceClient(conn)
	const name, size = "namespaces/default/groups/web", 40
	if _, err := groups.CreateGroup(ctx, &pb.CreateGroupRequest{Parent: "namespaces/default", GroupId: "web", Group: &pb.Group{
		MaxSize: proto.Int32(size), DesiredCapacity: proto.Int32(0), Configuration: &pb.Group_ConfigurationReference{Name: "web"},
	}}); err != nil {
		t.Fatal(err)
	}
	for _, target := range targets {
		if _, err := pb.NewNotificationServiceClient(conn).CreateNotification(ctx, &pb.CreateNotificationRequest{
			Parent: name, NotificationId: target, Notification: &pb.Notification{Target: target},
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, desired := range []int32{size, 0, size} {
		if _, err := groups.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: name, DesiredCapacity: proto.Int32(desired)}); err != nil {
			t.Fatal(err)
		}
		await(t, ctx, fmt.Sprintf("%d instances serve", desired), func() bool {
			g, err := groups.GetGroup(ctx, &pb.GetGroupRequest{Name: name})
			return err == nil && g.GetCounts().GetInService() == desired && g.GetCounts().GetTotal() == desired
		})
		moved += size
	}
	return moved
}
