package control_test

import (
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
)

func (s *story) sweep(id string) (swept int) {
	s.MustDo(func(tx *fsm.Tx) error {
		swept = s.Ops.SweepGroup(tx, s.Group(id).UID, 1000)
		return nil
	})
	return swept
}

func TestSweepForgetsWhatIsOldAndADeletedGroupWithTheLastOfIt(t *testing.T) {
	s := &story{World: controltest.New()}
	for _, line := range []string{
		"configuration web", "group web min=1 max=3 configuration=web", "drive", "remove web instances=i1", "drive", "set-desired web 1",
	} {
		s.do(fields(line))
	}
	g := s.Group("web")
	if n := s.sweep("web"); n != 0 {
		t.Errorf("%d records are old at once", n)
	}
	s.Advance(control.RetainInstances - time.Microsecond)
	if n := s.sweep("web"); n != 0 || s.View().Instance(g.UID, "i-00000000000000001") == nil {
		t.Errorf("a final instance is gone too early (%d)", n)
	}
	s.Advance(time.Microsecond)
	if n := s.sweep("web"); n != 1 || s.View().Instance(g.UID, "i-00000000000000001") != nil {
		t.Errorf("a final instance is kept too long (%d)", n)
	}
	s.do(fields("delete web force"))
	s.Drive()
	s.Advance(control.RetainActivities - control.RetainInstances - time.Hour)
	s.sweep("web")
	if a := s.View().Activity(1); a == nil {
		t.Error("an activity is gone too early")
	}
	s.Advance(2 * time.Hour)
	s.sweep("web")
	if a := s.View().Activity(1); a != nil {
		t.Error("an activity is kept too long")
	}
	if s.View().Group(g.UID) == nil {
		t.Error("the deleted group is gone before its last activities")
	}
	s.Advance(control.RetainActivities)
	s.sweep("web")
	if s.View().Group(g.UID) != nil {
		t.Error("the deleted group is kept for ever")
	}
}

func TestSweepKeepsRunningActivitiesAndLimitsItself(t *testing.T) {
	s := &story{World: controltest.New()}
	for _, line := range []string{"configuration web", "group web min=1 max=3 configuration=web"} {
		s.do(fields(line))
	}
	s.Advance(2 * control.RetainActivities)
	if s.sweep("web"); s.View().Activity(1) == nil {
		t.Error("an activity that runs is gone")
	}
	for range 5 {
		s.do(fields("set-desired web 99 by=a"))
		s.do(fields("set-desired web 99 by=b"))
	}
	s.Advance(2 * control.RetainActivities)
	s.MustDo(func(tx *fsm.Tx) error {
		if n := s.Ops.SweepGroup(tx, s.Group("web").UID, 4); n != 4 {
			t.Errorf("%d swept, 4 allowed", n)
		}
		return nil
	})
}

func TestSweepRequests(t *testing.T) {
	s := controltest.New()
	put := func(id string) {
		s.MustDo(func(tx *fsm.Tx) error {
			tx.PutRequest(&autoscaling.Request{Namespace: "default", ID: id, Time: tx.Now()})
			return nil
		})
	}
	put("old")
	s.Advance(time.Hour)
	put("young")
	s.Advance(control.RetainRequests - time.Hour)
	s.MustDo(func(tx *fsm.Tx) error {
		if n := s.Ops.SweepRequests(tx, 10); n != 1 || tx.Request("default", "old") != nil || tx.Request("default", "young") == nil {
			t.Errorf("%d requests swept", n)
		}
		return nil
	})
}

func TestSweepForgetsDeadLettersAndSecretsThatAreTooOld(t *testing.T) {
	w := controltest.New()
	const target = autoscaling.UID("00000000-0000-7000-8000-0000000000aa")
	began := w.View().Stamp()
	w.MustDo(func(tx *fsm.Tx) error {
		began = tx.Now()
		tx.PutNotificationTarget(&autoscaling.NotificationTarget{
			Meta: autoscaling.Meta{UID: target, Namespace: "default", ID: "ops"},
			Webhook: &autoscaling.Webhook{Secrets: []autoscaling.WebhookSecret{
				{Secret: "new", CreateTime: began}, {Secret: "old", ExpireTime: began.Add(autoscaling.SecretOverlap)},
			}},
		})
		for n := range 3 {
			d := &autoscaling.Delivery{
				Target: target, ID: tx.NewDeliveryID(), State: autoscaling.DeliveryDead, EndTime: began.Add(time.Duration(n) * time.Hour),
			}
			if n == 2 {
				d.State, d.EndTime, d.GiveUp = autoscaling.DeliveryPending, 0, began.Add(autoscaling.DeliveryPatience)
			}
			tx.PutDelivery(d)
		}
		return nil
	})
	sweep := func(limit int) (swept int) {
		w.MustDo(func(tx *fsm.Tx) error {
			swept = w.Ops.SweepTarget(tx, target, limit)
			return nil
		})
		return swept
	}
	expect := func(what string, swept, wantSwept, dead, secrets int) {
		t.Helper()
		counts := w.View().OutboxCounts(target)
		if n := len(w.View().NotificationTarget(target).Webhook.Secrets); swept != wantSwept || counts.Dead != dead || counts.Pending != 1 || n != secrets {
			t.Errorf("%s: %d swept, %+v left, %d secrets", what, swept, counts, n)
		}
	}
	expect("at once", sweep(10), 0, 2, 2)
	w.Advance(autoscaling.SecretOverlap)
	expect("after a day", sweep(10), 0, 2, 1)
	w.Advance(autoscaling.DeadLetterRetention - autoscaling.SecretOverlap)
	expect("after a week", sweep(10), 1, 1, 1)
	w.Advance(time.Hour)
	expect("none at once", sweep(0), 0, 1, 1)
	expect("later", sweep(10), 1, 0, 1)
}
