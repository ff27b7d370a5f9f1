package control_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
)

// told is a story told so far.
func told(lines ...string) *story {
	s := &story{World: controltest.New()}
	for _, line := range lines {
		s.do(fields(line))
	}
	return s
}

func (s *story) refused(t *testing.T, line string, reason autoscaling.Reason) {
	t.Helper()
	err := s.Do(func(tx *fsm.Tx) error { _, err := s.command(tx, fields(line)); return err })
	if e, ok := err.(*autoscaling.Error); !ok || e.Reason != reason {
		t.Errorf("%s: %v, not %s", line, err, reason)
	}
}

func TestTargetsNotificationsAndTestsAreBounded(t *testing.T) {
	s := told("configuration web", "group web configuration=web")
	for n := range autoscaling.MaxNotificationTargets {
		s.do(fields(fmt.Sprintf("target t%d url=https://e.com secret=a", n)))
	}
	s.refused(t, "target more url=https://e.com secret=a", autoscaling.LimitExceeded)
	for n := range autoscaling.MaxNotifications {
		s.do(fields(fmt.Sprintf("notification web/n%d target=t%d types=GROUP_DELETED", n, n)))
	}
	s.refused(t, "notification web/more target=t1", autoscaling.LimitExceeded)
	for range autoscaling.MaxPendingTests {
		s.do(fields("try t1"))
	}
	s.refused(t, "try t1", autoscaling.LimitExceeded)
	if strings.Contains(s.out.String(), "!") {
		t.Error(s.out.String())
	}
}

// What reads show is made by the API's layer; what is written for all to see,
// and what is told to who is refused, is made here.
func TestNoSecretIsInAnEventOrARefusal(t *testing.T) {
	secrets := []string{signing("a"), signing("b")}
	s := told("configuration web", "group web configuration=web", "target ops url=https://e.com secret=a", "notification web/all target=ops",
		"rotate ops secret=b", "rotate ops secret=b", "update-target ops url=https://other.com", "update-target ops url=ftp://x", "set-desired web 1", "try ops", "delete-target ops")
	text := ""
	for e := range s.View().Events(0) {
		text += fmt.Sprintf("%+v\n", *e)
	}
	if strings.Contains(text, "e.com") {
		t.Errorf("a URL, which may hold a secret, is in an event:\n%s", text)
	}
	text += s.out.String()
	for _, secret := range secrets {
		if strings.Contains(text, secret) || strings.Contains(text, strings.TrimPrefix(secret, "whsec_")) {
			t.Errorf("%s is told:\n%s", secret, text)
		}
	}
}

func TestTheSecretBeforeARotationSignsForADay(t *testing.T) {
	s := told("target ops url=https://e.com secret=a")
	s.Advance(time.Hour)
	s.do(fields("rotate ops secret=b"))
	w := s.View().NotificationTargetByID("default", "ops").Webhook
	if len(w.Secrets) != 2 || w.Secrets[0].Secret != signing("b") || w.Secrets[0].ExpireTime != 0 ||
		w.Secrets[1].Secret != signing("a") || w.Secrets[1].ExpireTime != s.Now.Add(24*time.Hour) {
		t.Errorf("%+v", w.Secrets)
	}
}

func TestRedeliveryIsDelayedLongerEachTimeAndNeverBeyondAQuarterOfAnHour(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		target := autoscaling.UID(rapid.StringMatching(`[0-9a-f]{8}`).Draw(t, "target"))
		id, attempts := rapid.Uint64().Draw(t, "id"), rapid.Int32Range(1, 1000).Draw(t, "attempts")
		d := autoscaling.RedeliveryDelay(target, id, attempts)
		if d != autoscaling.RedeliveryDelay(target, id, attempts) {
			t.Fatal("it differs from itself")
		}
		middle := 5 * time.Second
		for n := int32(1); n < attempts && middle < 15*time.Minute; n++ {
			middle *= 2
		}
		middle = min(middle, 15*time.Minute)
		if d < middle*4/5 || d > min(middle*6/5, 15*time.Minute) {
			t.Fatalf("%s after %d attempts", d, attempts)
		}
	})
}

// However attempts end, everything is taken or dead after a day and a bit, and
// of each instance the first that is left is the oldest.
func TestADeliveryIsTakenOrDeadInTheEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := told("configuration web", "group web configuration=web max=20", "target ops url=https://e.com secret=a", "notification web/all target=ops")
		ops := s.View().NotificationTargetByID("default", "ops").UID
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			line := rapid.SampledFrom([]string{
				"set-desired web 3", "set-desired web 0", "drive", "advance 7s", "advance 1h", "advance 5h", "taken ops due", "failed ops due error=no", "failed ops due error=no after=2h",
				"failed ops due error=gone final", "expired ops due error=off", "redeliver ops", "try ops", "update-target ops off", "update-target ops on",
			}).Draw(t, "step")
			s.do(fields(line))
			lines := map[autoscaling.InstanceID]uint64{}
			for d := range s.View().DueDeliveries(ops, s.Now.Add(100*time.Hour)) {
				if d.Instance != "" && lines[d.Instance] != 0 {
					t.Fatalf("two of %s may be due", d.Instance)
				}
				lines[d.Instance] = d.ID
			}
		}
		for range 60 {
			s.do(fields("failed ops due error=no"))
			s.Advance(time.Hour)
		}
		for range 200 {
			s.do(fields("failed ops due error=no"))
		}
		if c := s.View().OutboxCounts(ops); c.Pending != 0 {
			t.Fatalf("%+v is left", c)
		}
	})
}

func TestOldReportsChangeNothing(t *testing.T) {
	s := told("configuration web", "group web configuration=web max=20", "target ops url=https://e.com secret=a", "notification web/all target=ops", "set-desired web 2", "failed ops due error=gone final")
	before, sequence := s.View().LogPosition()
	for d := range s.View().DeadLetters(s.View().NotificationTargetByID("default", "ops").UID) {
		for _, what := range []string{"taken", "failed", "expired"} {
			s.do(fields(fmt.Sprintf("%s ops delivery=%d error=late", what, d.ID)))
		}
	}
	if term, now := s.View().LogPosition(); term != before || now != sequence {
		t.Error("something was written")
	}
}
