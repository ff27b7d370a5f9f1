package rpc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

const ops = ns + "/notificationTargets/ops"

func webhook() *pb.NotificationTarget {
	return &pb.NotificationTarget{Kind: &pb.NotificationTarget_Webhook{Webhook: &pb.Webhook{Url: "https://hooks.example.com/as"}}}
}

func TestNotificationTargetsComeBackAsTheyWere(t *testing.T) {
	secrets := []autoscaling.WebhookSecret{{Secret: "whsec_x", CreateTime: 1, ExpireTime: 2}}
	want := autoscaling.NotificationTarget{
		Meta: autoscaling.Meta{Labels: labels, ExternalNames: labels}, Disabled: true,
		Webhook: &autoscaling.Webhook{URL: "https://hooks.example.com", Timeout: 3 * time.Second, Secrets: secrets},
	}
	got := autoscaling.NotificationTarget{Webhook: &autoscaling.Webhook{Secrets: secrets}}
	m := notificationTargetSpecMessage(&want)
	if err := readNotificationTarget(m, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if strings.Contains(m.String(), "whsec_x") {
		t.Errorf("the secret is shown: %v", m)
	}
	got = autoscaling.NotificationTarget{}
	if err := readNotificationTarget(webhook(), &got); err != nil || got.Disabled || got.Webhook.Timeout != 10*time.Second || got.Webhook.Secrets != nil {
		t.Errorf("defaults: %+v %v", got, err)
	}
	full := want
	full.Meta = autoscaling.Meta{UID: "u", ID: "ops", Namespace: "default", Labels: labels, ExternalNames: labels, CreateTime: 1, UpdateTime: 2, Revision: 3}
	wantFull(t, notificationTargetMessage(emptyReader, &full))
	wantFull(t, notificationTargetMessage(emptyReader, &full).GetWebhook(), "secret")
}

func TestNotificationsComeBackAsTheyWere(t *testing.T) {
	want := autoscaling.Notification{
		Meta: autoscaling.Meta{Labels: labels, ExternalNames: labels}, Disabled: true, Target: "ops", EventTypes: autoscaling.NotifiableEvents(),
	}
	var got autoscaling.Notification
	if err := readNotification(notificationSpecMessage(&want), "default", &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	err := readNotification(&pb.Notification{Target: ops, EventTypes: []pb.Event_Type{pb.Event_LAUNCH_FAILED, pb.Event_GROUP_PAUSED}}, "default", &got)
	if err != nil || got.Disabled || got.Target != "ops" || !slices.Equal(got.EventTypes, []autoscaling.EventType{autoscaling.EventGroupPaused, autoscaling.EventLaunchFailed}) {
		t.Errorf("defaults: %+v %v", got, err)
	}
	if readNotification(&pb.Notification{Target: "namespaces/other/notificationTargets/ops"}, "default", &got) == nil {
		t.Error("a target of another namespace was taken")
	}
	full := want
	full.Meta = autoscaling.Meta{UID: "u", ID: "all", Namespace: "default", Labels: labels, ExternalNames: labels, CreateTime: 1, UpdateTime: 2, Revision: 3}
	wantFull(t, notificationMessage(emptyReader, webGroup(), &full))
}

func TestDeliveriesShowTheirEvent(t *testing.T) {
	m := deliveryMessage(&autoscaling.Delivery{
		ID: 7, State: autoscaling.DeliveryDead, Namespace: "default", GroupID: "web", Instance: "i-1", Activity: 3, EventIndex: 9,
		EventType: autoscaling.EventInstanceStep, EventTime: 1, Subject: "s", Message: "m", Details: map[string]string{"rule": "ari:as:main:default:rule/web/add"},
		InstanceState: autoscaling.Pending, Step: autoscaling.StepCreate, Attempts: 2, NextTime: 3, GiveUp: 4, LastError: "e", EndTime: 5,
	})
	wantFull(t, m)
	wantFull(t, m.GetEvent())
}

func TestASecretIsShownToWhoMadeItOnly(t *testing.T) {
	c := startCluster(t, 2)
	api := c.nodes[1].clients() // which forwards
	ctx := context.Background()
	secretOf := func(m *pb.NotificationTarget) string { return m.GetWebhook().GetSecret() }
	create := &pb.CreateNotificationTargetRequest{Parent: ns, NotificationTargetId: "ops", NotificationTarget: webhook(), RequestId: "make"}
	dry := proto.CloneOf(create)
	dry.ValidateOnly = true
	if m := ok[*pb.NotificationTarget](t)(api.CreateNotificationTarget(ctx, dry)); secretOf(m) != "" || m.GetName() != ops {
		t.Errorf("a dry run answers %v", m)
	}
	made := ok[*pb.NotificationTarget](t)(api.CreateNotificationTarget(ctx, create))
	first := secretOf(made)
	if _, good := autoscaling.WebhookKey(first); !good {
		t.Errorf("secret %q", first)
	}
	// A repeat is answered with the first answer, not with the secret that it made up.
	if again := ok[*pb.NotificationTarget](t)(api.CreateNotificationTarget(ctx, create)); !proto.Equal(again, made) {
		t.Errorf("repeated: %v, first %v", again, made)
	}
	rotate := &pb.RotateNotificationTargetSecretRequest{Name: ops, RequestId: "turn"}
	turned := ok[*pb.NotificationTarget](t)(api.RotateNotificationTargetSecret(ctx, rotate))
	second := secretOf(turned)
	if again := ok[*pb.NotificationTarget](t)(api.RotateNotificationTargetSecret(ctx, rotate)); second == first || second == "" || secretOf(again) != second {
		t.Errorf("rotated from %q to %q, repeated %q", first, second, secretOf(again))
	}
	if s := turned.GetWebhook().GetSecrets(); len(s) != 2 || s[0].GetExpireTime() != nil || s[1].GetExpireTime() == nil {
		t.Errorf("%v", s)
	}
	shown := []proto.Message{
		ok[*pb.NotificationTarget](t)(api.GetNotificationTarget(ctx, &pb.GetNotificationTargetRequest{Name: ops})),
		ok[*pb.ListNotificationTargetsResponse](t)(api.ListNotificationTargets(ctx, &pb.ListNotificationTargetsRequest{Parent: ns})),
		ok[*pb.NotificationTarget](t)(api.UpdateNotificationTarget(ctx, &pb.UpdateNotificationTargetRequest{NotificationTarget: &pb.NotificationTarget{Name: ops, Labels: labels}})),
	}
	for e := range c.nodes[0].View().Events(0) {
		shown = append(shown, eventMessage(e))
	}
	for _, m := range shown {
		if strings.Contains(m.ProtoReflect().Interface().(fmt.Stringer).String(), "whsec_") {
			t.Errorf("a secret is in %v", m)
		}
	}
	for r := range c.nodes[0].View().Requests() {
		if strings.Contains(string(r.Answer), "whsec_") {
			t.Errorf("a secret is remembered as the answer to request %s", r.ID)
		}
	}
	// It is gone from repeats when the target has it no more.
	ok[*pb.NotificationTarget](t)(api.RotateNotificationTargetSecret(ctx, &pb.RotateNotificationTargetSecretRequest{Name: ops}))
	if again := ok[*pb.NotificationTarget](t)(api.CreateNotificationTarget(ctx, create)); secretOf(again) != "" || again.GetUid() != made.GetUid() {
		t.Errorf("repeated after two rotations: %v", again)
	}
}

func TestASecretIsChangedByRotationOnly(t *testing.T) {
	c := startCluster(t, 1)
	api := c.nodes[0].clients()
	ctx := context.Background()
	given := autoscaling.FormatWebhookSecret([]byte("01234567890123456789012345678901"))
	target := webhook()
	target.GetWebhook().Secret = given
	ok[*pb.NotificationTarget](t)(api.CreateNotificationTarget(ctx, &pb.CreateNotificationTargetRequest{Parent: ns, NotificationTargetId: "ops", NotificationTarget: target}))
	target.Name = ops
	// A file that is applied again says the same secret.
	ok[*pb.NotificationTarget](t)(api.UpdateNotificationTarget(ctx, &pb.UpdateNotificationTargetRequest{NotificationTarget: target}))
	target.GetWebhook().Secret = autoscaling.FormatWebhookSecret([]byte("x1234567890123456789012345678901"))
	_, err := api.UpdateNotificationTarget(ctx, &pb.UpdateNotificationTargetRequest{NotificationTarget: target})
	wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
	// The others change without it.
	m := ok[*pb.NotificationTarget](t)(api.UpdateNotificationTarget(ctx, &pb.UpdateNotificationTargetRequest{
		NotificationTarget: &pb.NotificationTarget{Name: ops, Kind: &pb.NotificationTarget_Webhook{Webhook: &pb.Webhook{Timeout: durationpb.New(5 * time.Second)}}},
		UpdateMask:         fields("webhook.timeout"),
	}))
	if m.GetWebhook().GetUrl() != "https://hooks.example.com/as" || m.GetWebhook().GetTimeout().AsDuration() != 5*time.Second || len(m.GetWebhook().GetSecrets()) != 1 {
		t.Errorf("%v", m)
	}
	for _, secret := range []string{"short", "whsec_", "whsec_" + strings.Repeat("x", 100)} {
		_, err := api.RotateNotificationTargetSecret(ctx, &pb.RotateNotificationTargetSecretRequest{Name: ops, Secret: secret})
		if st := wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument); strings.Contains(st.Message(), secret) && len(secret) > 6 {
			t.Errorf("the secret is in the refusal: %s", st.Message())
		}
	}
}

func TestDeadLettersAreListedAndSentAgain(t *testing.T) {
	c := startCluster(t, 1)
	api := c.nodes[0].clients()
	ctx := context.Background()
	ok[*pb.NotificationTarget](t)(api.CreateNotificationTarget(ctx, &pb.CreateNotificationTargetRequest{Parent: ns, NotificationTargetId: "ops", NotificationTarget: webhook()}))
	ok[*pb.Group](t)(api.CreateGroup(ctx, &pb.CreateGroupRequest{Parent: ns, GroupId: "web", Group: &pb.Group{MaxSize: p(int32(1))}}))
	ok[*pb.Notification](t)(api.CreateNotification(ctx, &pb.CreateNotificationRequest{Parent: web, NotificationId: "all", Notification: &pb.Notification{Target: "ops"}}))
	for i := range 6 {
		ok[*pb.Group](t)(api.UpdateGroup(ctx, &pb.UpdateGroupRequest{Group: &pb.Group{Name: web, MaxSize: p(int32(i + 2))}}))
	}
	var ids []string
	for token := ""; ; {
		page := ok[*pb.ListDeliveriesResponse](t)(api.ListDeliveries(ctx, &pb.ListDeliveriesRequest{Parent: ops, PageSize: 2, PageToken: token, Filter: "event.type = GROUP_UPDATED"}))
		for _, d := range page.GetDeliveries() {
			ids = append(ids, d.GetId())
		}
		if page.GetTotalSize() != 6 {
			t.Errorf("total %d", page.GetTotalSize())
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if len(ids) != 6 {
		t.Errorf("deliveries %v", ids)
	}
	c.giveUp()
	dead := func() int {
		return len(ok[*pb.ListDeadLettersResponse](t)(api.ListDeadLetters(ctx, &pb.ListDeadLettersRequest{Parent: ops})).GetDeadLetters())
	}
	all := dead()
	again := ok[*pb.RedeliverDeadLettersResponse](t)(api.RedeliverDeadLetters(ctx, &pb.RedeliverDeadLettersRequest{Parent: ops, DeadLetters: ids[:2], RequestId: "again"}))
	if again.GetCount() != 2 || int(again.GetLeft()) != all-2 || dead() != all-2 {
		t.Errorf("%v, %d were dead", again, all)
	}
	// All or nothing: the first is dead, the second is not any more.
	_, err := api.RedeliverDeadLetters(ctx, &pb.RedeliverDeadLettersRequest{Parent: ops, DeadLetters: []string{ids[2], ids[0]}})
	wantError(t, err, codes.NotFound, autoscaling.NotFound)
	if dead() != all-2 {
		t.Errorf("%d are dead", dead())
	}
	m := ok[*pb.NotificationTarget](t)(api.GetNotificationTarget(ctx, &pb.GetNotificationTargetRequest{Name: ops}))
	if s := m.GetStatus(); s.GetPending() != 2 || int(s.GetDeadLetters()) != all-2 || s.GetOldestTime() == nil {
		t.Errorf("%v", s)
	}
	rest := ok[*pb.RedeliverDeadLettersResponse](t)(api.RedeliverDeadLetters(ctx, &pb.RedeliverDeadLettersRequest{Parent: ops}))
	if int(rest.GetCount()) != all-2 || rest.GetLeft() != 0 || dead() != 0 {
		t.Errorf("%v", rest)
	}
	repeated := ok[*pb.RedeliverDeadLettersResponse](t)(api.RedeliverDeadLetters(ctx, &pb.RedeliverDeadLettersRequest{Parent: ops, DeadLetters: ids[:2], RequestId: "again"}))
	if !proto.Equal(repeated, again) {
		t.Errorf("repeated %v, first %v", repeated, again)
	}
}
