package rpc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// newThings makes a hook, a target and a notification, all with labels.
func newThings(t testing.TB, api clients) (*pb.LifecycleHook, *pb.NotificationTarget, *pb.Notification) {
	t.Helper()
	ctx := context.Background()
	target := webhook()
	target.Labels = labels
	tm := ok[*pb.NotificationTarget](t)(api.CreateNotificationTarget(ctx, &pb.CreateNotificationTargetRequest{Parent: ns, NotificationTargetId: "ops", NotificationTarget: target, RequestId: "t"}))
	h := ok[*pb.LifecycleHook](t)(api.CreateLifecycleHook(ctx, &pb.CreateLifecycleHookRequest{Parent: web, LifecycleHookId: "drain", RequestId: "h", LifecycleHook: &pb.LifecycleHook{
		Transition: pb.LifecycleHook_TERMINATING, NotificationTarget: ops, Labels: labels, Metadata: "m",
	}}))
	n := ok[*pb.Notification](t)(api.CreateNotification(ctx, &pb.CreateNotificationRequest{Parent: web, NotificationId: "all", RequestId: "n", Notification: &pb.Notification{
		Target: tm.GetUid(), Labels: labels,
	}}))
	return h, tm, n
}

func TestHooksTargetsAndNotificationsAreFoundByUID(t *testing.T) {
	c := startCluster(t, 2)
	setUp(t, c.nodes[0])
	h, target, n := newThings(t, c.nodes[0].clients())
	if h.GetNotificationTarget() != "ops" || n.GetTarget() != "ops" {
		t.Errorf("targets are kept by id: %v %v", h, n)
	}
	target.GetWebhook().Secret = ""
	ctx := context.Background()
	group := ok[*pb.Group](t)(c.nodes[0].clients().GetGroup(ctx, &pb.GetGroupRequest{Name: web})).GetUid()
	for _, node := range c.nodes { // the second forwards, or is asked for what it knows
		for _, consistency := range []pb.Consistency{pb.Consistency_LINEARIZABLE, pb.Consistency_STALE} {
			for _, g := range []string{"web", group} {
				api, parent := node.clients(), ns+"/groups/"+g
				for _, id := range []string{"drain", h.GetUid()} {
					if got := ok[*pb.LifecycleHook](t)(api.GetLifecycleHook(ctx, &pb.GetLifecycleHookRequest{Name: parent + "/lifecycleHooks/" + id, Consistency: consistency})); !proto.Equal(got, h) {
						t.Errorf("%s: %v", id, got)
					}
				}
				for _, id := range []string{"all", n.GetUid()} {
					if got := ok[*pb.Notification](t)(api.GetNotification(ctx, &pb.GetNotificationRequest{Name: parent + "/notifications/" + id, Consistency: consistency})); !proto.Equal(got, n) {
						t.Errorf("%s: %v", id, got)
					}
				}
			}
			for _, id := range []string{"ops", target.GetUid()} {
				got := ok[*pb.NotificationTarget](t)(node.clients().GetNotificationTarget(ctx, &pb.GetNotificationTargetRequest{Name: ns + "/notificationTargets/" + id, Consistency: consistency}))
				got.Status = target.GetStatus()
				if !proto.Equal(got, target) {
					t.Errorf("%s: %v", id, got)
				}
			}
		}
	}
	// What repeats of long answers are read again by.
	for _, name := range []string{h.GetName(), target.GetName(), n.GetName()} {
		if _, err := readByName(c.nodes[0].View().Reader, name); err != nil {
			t.Error(err)
		}
		if _, err := readByName(c.nodes[0].View().Reader, name+"x"); err == nil {
			t.Errorf("%sx was found", name)
		}
	}
	api := c.nodes[0].clients()
	_, err := api.GetLifecycleHook(ctx, &pb.GetLifecycleHookRequest{Name: web + "/lifecycleHooks/none"})
	wantError(t, err, codes.NotFound, autoscaling.NotFound)
	_, err = api.GetNotification(ctx, &pb.GetNotificationRequest{Name: web + "/notifications/none"})
	wantError(t, err, codes.NotFound, autoscaling.NotFound)
	_, err = api.GetNotificationTarget(ctx, &pb.GetNotificationTargetRequest{Name: ns + "/notificationTargets/none"})
	wantError(t, err, codes.NotFound, autoscaling.NotFound)
}

func TestHooksTargetsAndNotificationsAreUpdatedFieldByField(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	h, target, n := newThings(t, api)
	changed := ok[*pb.LifecycleHook](t)(api.UpdateLifecycleHook(ctx, &pb.UpdateLifecycleHookRequest{
		LifecycleHook: &pb.LifecycleHook{Name: h.GetName(), HeartbeatTimeout: durationpb.New(time.Minute), Metadata: "ignored"},
		UpdateMask:    fields("heartbeatTimeout"),
	}))
	if changed.GetHeartbeatTimeout().AsDuration() != time.Minute || changed.GetMetadata() != "m" || changed.GetTransition() != pb.LifecycleHook_TERMINATING || changed.GetEtag() == h.GetEtag() {
		t.Errorf("%v", changed)
	}
	changed = ok[*pb.LifecycleHook](t)(api.UpdateLifecycleHook(ctx, &pb.UpdateLifecycleHookRequest{
		LifecycleHook: &pb.LifecycleHook{Name: h.GetName()}, UpdateMask: fields("notification_target", "metadata"),
	}))
	if changed.GetNotificationTarget() != "" || changed.GetMetadata() != "" || changed.GetLabels()["a"] != "b" {
		t.Errorf("%v", changed)
	}
	told := ok[*pb.Notification](t)(api.UpdateNotification(ctx, &pb.UpdateNotificationRequest{
		Notification: &pb.Notification{Name: n.GetName(), EventTypes: []pb.Event_Type{pb.Event_LAUNCH_FAILED}},
	}))
	if len(told.GetEventTypes()) != 1 || told.GetTarget() != "ops" || !told.GetEnabled() {
		t.Errorf("%v", told)
	}
	off := false
	silenced := ok[*pb.NotificationTarget](t)(api.UpdateNotificationTarget(ctx, &pb.UpdateNotificationTargetRequest{
		NotificationTarget: &pb.NotificationTarget{Name: target.GetName(), Enabled: &off, Etag: target.GetEtag()}, UpdateMask: fields("enabled"),
	}))
	if silenced.GetEnabled() || silenced.GetWebhook().GetUrl() != target.GetWebhook().GetUrl() {
		t.Errorf("%v", silenced)
	}
	// Each has changed since.
	_, err := api.UpdateLifecycleHook(ctx, &pb.UpdateLifecycleHookRequest{LifecycleHook: &pb.LifecycleHook{Name: h.GetName(), Etag: h.GetEtag(), Metadata: "x"}})
	wantError(t, err, codes.Aborted, autoscaling.EtagMismatch)
	_, err = api.UpdateNotification(ctx, &pb.UpdateNotificationRequest{Notification: &pb.Notification{Name: n.GetName(), Etag: n.GetEtag(), Labels: labels}})
	wantError(t, err, codes.Aborted, autoscaling.EtagMismatch)
	_, err = api.UpdateNotificationTarget(ctx, &pb.UpdateNotificationTargetRequest{NotificationTarget: &pb.NotificationTarget{Name: target.GetName(), Etag: target.GetEtag(), Labels: labels}})
	wantError(t, err, codes.Aborted, autoscaling.EtagMismatch)
	_, err = api.UpdateLifecycleHook(ctx, &pb.UpdateLifecycleHookRequest{LifecycleHook: &pb.LifecycleHook{Name: h.GetName()}, UpdateMask: fields("colour")})
	wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
}

func TestHooksTargetsAndNotificationsAreMadeOnce(t *testing.T) {
	c := startCluster(t, 2)
	api := setUp(t, c.nodes[0])
	h, target, n := newThings(t, api)
	c.lead(c.nodes[1])
	before := c.index
	h2, target2, n2 := newThings(t, c.nodes[0].clients())
	if !proto.Equal(h, h2) || !proto.Equal(target, target2) || !proto.Equal(n, n2) || c.index != before {
		t.Errorf("repeated after a change of leader: %v %v %v", h2, target2, n2)
	}
	ctx := context.Background()
	api = c.nodes[1].clients()
	for range 2 {
		if _, err := api.DeleteNotification(ctx, &pb.DeleteNotificationRequest{Name: n.GetName(), RequestId: "dn"}); err != nil {
			t.Error(err)
		}
		if _, err := api.DeleteLifecycleHook(ctx, &pb.DeleteLifecycleHookRequest{Name: h.GetName(), RequestId: "dh"}); err != nil {
			t.Error(err)
		}
		if _, err := api.DeleteNotificationTarget(ctx, &pb.DeleteNotificationTargetRequest{Name: target.GetName(), RequestId: "dt"}); err != nil {
			t.Error(err)
		}
	}
	_, err := api.DeleteLifecycleHook(ctx, &pb.DeleteLifecycleHookRequest{Name: h.GetName()})
	wantError(t, err, codes.NotFound, autoscaling.NotFound)
}

func TestATargetInUseIsNotDeleted(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	h, target, n := newThings(t, api)
	ctx := context.Background()
	for _, remove := range []func() error{
		func() error {
			_, err := api.DeleteNotification(ctx, &pb.DeleteNotificationRequest{Name: n.GetName()})
			return err
		},
		func() error {
			_, err := api.DeleteLifecycleHook(ctx, &pb.DeleteLifecycleHookRequest{Name: h.GetName()})
			return err
		},
	} {
		_, err := api.DeleteNotificationTarget(ctx, &pb.DeleteNotificationTargetRequest{Name: target.GetName()})
		wantError(t, err, codes.FailedPrecondition, autoscaling.InUse)
		if err := remove(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := api.DeleteNotificationTarget(ctx, &pb.DeleteNotificationTargetRequest{Name: target.GetName()}); err != nil {
		t.Error(err)
	}
}

func TestNewListsArePagedFilteredAndOrdered(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	ok[*pb.NotificationTarget](t)(api.CreateNotificationTarget(ctx, &pb.CreateNotificationTargetRequest{Parent: ns, NotificationTargetId: "ops", NotificationTarget: webhook()}))
	for i := range 7 {
		transition := pb.LifecycleHook_LAUNCHING
		if i%2 == 1 {
			transition = pb.LifecycleHook_TERMINATING
		}
		id := fmt.Sprintf("x%d", i)
		ok[*pb.LifecycleHook](t)(api.CreateLifecycleHook(ctx, &pb.CreateLifecycleHookRequest{Parent: web, LifecycleHookId: id, LifecycleHook: &pb.LifecycleHook{
			Transition: transition, HeartbeatTimeout: durationpb.New(time.Duration(100-i) * time.Second),
		}}))
		ok[*pb.Notification](t)(api.CreateNotification(ctx, &pb.CreateNotificationRequest{Parent: web, NotificationId: id, Notification: &pb.Notification{Target: "ops", Enabled: p(i%2 == 0)}}))
		target := webhook()
		target.Enabled = p(i%2 == 0)
		ok[*pb.NotificationTarget](t)(api.CreateNotificationTarget(ctx, &pb.CreateNotificationTargetRequest{Parent: ns, NotificationTargetId: id, NotificationTarget: target}))
		c.do(func(tx *fsm.Tx) error {
			tx.PutReleased(&autoscaling.Released{Provider: "sim", MachineID: id, Instance: "i-1", Namespace: "default", GroupID: "web", Time: autoscaling.Time(i%3 + 1)})
			tx.PutReleased(&autoscaling.Released{Provider: "sim", MachineID: "o" + id, Instance: "i-1", Namespace: "other", GroupID: "web", Time: 1})
			return nil
		})
	}
	type page struct {
		ids   []string
		next  string
		total int32
	}
	hooks := func(size int32, token, filter, order string) page {
		m := ok[*pb.ListLifecycleHooksResponse](t)(api.ListLifecycleHooks(ctx, &pb.ListLifecycleHooksRequest{Parent: web, PageSize: size, PageToken: token, Filter: filter, OrderBy: order}))
		return page{lastParts(m.GetLifecycleHooks()), m.GetNextPageToken(), m.GetTotalSize()}
	}
	notifications := func(size int32, token, filter, order string) page {
		m := ok[*pb.ListNotificationsResponse](t)(api.ListNotifications(ctx, &pb.ListNotificationsRequest{Parent: web, PageSize: size, PageToken: token, Filter: filter, OrderBy: order}))
		return page{lastParts(m.GetNotifications()), m.GetNextPageToken(), m.GetTotalSize()}
	}
	targets := func(size int32, token, filter, order string) page {
		m := ok[*pb.ListNotificationTargetsResponse](t)(api.ListNotificationTargets(ctx, &pb.ListNotificationTargetsRequest{Parent: ns, PageSize: size, PageToken: token, Filter: filter, OrderBy: order}))
		return page{lastParts(m.GetNotificationTargets()), m.GetNextPageToken(), m.GetTotalSize()}
	}
	released := func(size int32, token, filter, order string) page {
		m := ok[*pb.ListReleasedMachinesResponse](t)(api.ListReleasedMachines(ctx, &pb.ListReleasedMachinesRequest{Parent: ns, PageSize: size, PageToken: token, Filter: filter, OrderBy: order}))
		var ids []string
		for _, r := range m.GetReleasedMachines() {
			ids = append(ids, r.GetMachineId())
		}
		return page{ids, m.GetNextPageToken(), m.GetTotalSize()}
	}
	for _, test := range []struct {
		name          string
		list          func(size int32, token, filter, order string) page
		filter, order string
		want          []string
	}{
		{"hooks", hooks, "", "", []string{"x0", "x1", "x2", "x3", "x4", "x5", "x6"}},
		{"hooks", hooks, "transition = TERMINATING", "", []string{"x1", "x3", "x5"}},
		{"hooks", hooks, `heartbeat_timeout < "97s"`, "heartbeatTimeout", []string{"x6", "x5", "x4"}},
		{"notifications", notifications, "enabled", "name desc", []string{"x6", "x4", "x2", "x0"}},
		{"targets", targets, "enabled = false", "", []string{"x1", "x3", "x5"}},
		{"targets", targets, `webhook.url:"hooks" AND status.dead_letters = 0`, "create_time desc", []string{"x6", "x5", "x4", "x3", "x2", "x1", "x0", "ops"}},
		{"released", released, "", "", []string{"x2", "x5", "x1", "x4", "x0", "x3", "x6"}}, // newest first
		{"released", released, "provider = sim", "machine_id", []string{"x0", "x1", "x2", "x3", "x4", "x5", "x6"}},
	} {
		for _, size := range []int32{1, 2, 50} {
			var got []string
			for token := ""; ; {
				m := test.list(size, token, test.filter, test.order)
				got = append(got, m.ids...)
				if int(m.total) != len(test.want) {
					t.Errorf("%s %q: total %d", test.name, test.filter, m.total)
				}
				if token = m.next; token == "" {
					break
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%s %q %q by %d: %v, want %v", test.name, test.filter, test.order, size, got, test.want)
			}
		}
	}
	if all := ok[*pb.ListReleasedMachinesResponse](t)(api.ListReleasedMachines(ctx, &pb.ListReleasedMachinesRequest{Parent: "namespaces/-"})); all.GetTotalSize() != 14 {
		t.Errorf("of all namespaces: %d", all.GetTotalSize())
	}
}

// lastParts are the ids of resources.
func lastParts[M interface{ GetName() string }](all []M) []string {
	var ids []string
	for _, m := range all {
		ids = append(ids, m.GetName()[strings.LastIndexByte(m.GetName(), '/')+1:])
	}
	return ids
}

func TestLongAnswersToCompletionsAreReadAgain(t *testing.T) {
	c := startCluster(t, 1)
	api := c.nodes[0].clients()
	ctx := context.Background()
	ok[*pb.Configuration](t)(api.CreateConfiguration(ctx, &pb.CreateConfigurationRequest{Parent: ns, ConfigurationId: "web", Configuration: simConfiguration()}))
	ok[*pb.Group](t)(api.CreateGroup(ctx, &pb.CreateGroupRequest{Parent: ns, GroupId: "web", Group: &pb.Group{
		MaxSize: p(int32(40)), DesiredCapacity: p(int32(40)), Configuration: &pb.Group_ConfigurationReference{Name: "web"},
		Hooks: []*pb.LifecycleHook{{Name: "warm", Transition: pb.LifecycleHook_LAUNCHING}},
	}}))
	c.drive()
	beat := &pb.RecordLifecycleActionHeartbeatRequest{Parent: web, Activity: "1", Hook: "warm", RequestId: "beat"}
	moved := ok[*pb.RecordLifecycleActionHeartbeatResponse](t)(api.RecordLifecycleActionHeartbeat(ctx, beat))
	if len(moved.GetLifecycleActions()) != 40 || proto.Size(moved) <= autoscaling.MaxAnswer {
		t.Fatalf("%d moved", len(moved.GetLifecycleActions()))
	}
	if again := ok[*pb.RecordLifecycleActionHeartbeatResponse](t)(api.RecordLifecycleActionHeartbeat(ctx, beat)); !proto.Equal(again, moved) {
		t.Errorf("repeated %v", again)
	}
	complete := &pb.CompleteLifecycleActionRequest{Parent: web, Activity: web + "/activities/1", Hook: web + "/lifecycleHooks/warm", Result: pb.LifecycleHook_CONTINUE, RequestId: "go"}
	ended := ok[*pb.CompleteLifecycleActionResponse](t)(api.CompleteLifecycleAction(ctx, complete))
	again := ok[*pb.CompleteLifecycleActionResponse](t)(api.CompleteLifecycleAction(ctx, complete))
	if len(ended.GetLifecycleActions()) != 40 || len(again.GetLifecycleActions()) != 40 {
		t.Fatalf("%d ended, repeated %d", len(ended.GetLifecycleActions()), len(again.GetLifecycleActions()))
	}
	for i, a := range again.GetLifecycleActions() {
		first := ended.GetLifecycleActions()[i]
		if a.GetToken() != first.GetToken() || a.GetResult() != first.GetResult() || a.GetActivity() != first.GetActivity() || a.GetTransition() != first.GetTransition() {
			t.Errorf("repeated %v, first %v", a, first)
		}
	}
	if left := ok[*pb.ListLifecycleActionsResponse](t)(api.ListLifecycleActions(ctx, &pb.ListLifecycleActionsRequest{Parent: web})); left.GetTotalSize() != 0 {
		t.Errorf("%v", left)
	}
}
