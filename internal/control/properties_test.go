package control_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
)

// drawDeed is one of the things that somebody may do to the group "web", as commands of the
// stories.
func drawDeed(t *rapid.T) string {
	n := func(name string, low, high int) int { return rapid.IntRange(low, high).Draw(t, name) }
	process := func() string {
		return rapid.SampledFrom([]string{"LAUNCH", "TERMINATE", "ALARM", "SCHEDULED", "REPLACE_UNHEALTHY"}).Draw(t, "process")
	}
	deeds := []func() string{
		func() string { return fmt.Sprintf("set-desired web %d", n("desired", 0, 14)) },
		func() string { return fmt.Sprintf("set-desired web %d honor", n("desired", 0, 14)) },
		func() string { return fmt.Sprintf("adjust web PERCENT_CHANGE_IN_CAPACITY %d", n("percent", -100, 200)) },
		func() string { return "execute web/add-two" },
		func() string { return "execute web/sub-one by=bob" },
		func() string { return "execute web/half honor" },
		func() string { return fmt.Sprintf("report web/high %d", n("value", 0, 100)) },
		func() string { return fmt.Sprintf("report web/low %d", n("value", 0, 100)) },
		func() string { return "report web/low nothing" },
		func() string { return "run web" },
		func() string { return "pause web" },
		func() string { return "resume web" },
		func() string { return "suspend web " + process() },
		func() string { return "unsuspend web " + process() },
		func() string { return fmt.Sprintf("update web max=%d", n("max", 0, 12)) },
		func() string { return fmt.Sprintf("update web min=%d", n("min", 0, 12)) },
		func() string { return fmt.Sprintf("update web desired=%d", n("desired", 0, 12)) },
		func() string {
			return fmt.Sprintf("update web scope=%s", rapid.SampledFrom([]string{"ALL", "ALARMS"}).Draw(t, "scope"))
		},
		func() string { return fmt.Sprintf("remove web instances=i%x", n("instance", 1, 40)) },
		func() string { return fmt.Sprintf("remove web instances=i%x decrement", n("instance", 1, 40)) },
		func() string { return fmt.Sprintf("protect web i%x", n("instance", 1, 40)) },
		func() string { return fmt.Sprintf("unprotect web i%x", n("instance", 1, 40)) },
		func() string { return fmt.Sprintf("health web i%x unhealthy", n("instance", 1, 40)) },
		func() string { return drawHookDeed(t) },
		func() string { return drawHookDeed(t) },
		func() string { return drawHookDeed(t) },
		func() string { return drawMove(t) },
		func() string { return drawMove(t) },
		func() string { return drawUpkeep(t) },
		func() string { return drawUpkeep(t) },
		func() string { return fmt.Sprintf("gone i%x", n("instance", 1, 40)) },
		func() string { return "expire" },
		func() string { return "pool edge/web problem=down" },
		func() string { return "pool edge/web" },
		func() string { return "break error=broken" },
		func() string { return "mend" },
		func() string { return "step" },
		func() string { return "step" },
		func() string { return "drive" },
		func() string { return fmt.Sprintf("advance %ds", n("seconds", 0, 400)) },
		func() string { return fmt.Sprintf("advance %ds", n("seconds", 0, 4000)) },
	}
	return deeds[n("deed", 0, len(deeds)-1)]()
}

// drawMove is one of the ways in which somebody may move instances by hand.
func drawMove(t *rapid.T) string {
	line := rapid.SampledFrom([]string{"enter-standby web", "exit-standby web", "detach web", "attach web"}).Draw(t, "move")
	if line == "attach web" {
		line += " machines=" + rapid.SampledFrom([]string{"m-a", "m-b", "m-c"}).Draw(t, "machine")
	} else {
		line += fmt.Sprintf(" instances=i%x", rapid.IntRange(1, 40).Draw(t, "instance"))
	}
	for _, word := range []string{"decrement", "run-hooks", "entrusted"} {
		if rapid.Bool().Draw(t, word) {
			line += " " + word
		}
	}
	return line
}

// drawHookDeed is one of the things that somebody may do about the hooks of the
// group, and about those who wait in them.
func drawHookDeed(t *rapid.T) string {
	hook := rapid.SampledFrom([]string{"warm LAUNCHING", "check LAUNCHING", "save TERMINATING"}).Draw(t, "hook")
	id, _, _ := strings.Cut(hook, " ")
	result := rapid.SampledFrom([]string{"CONTINUE", "CONTINUE", "ABANDON", "ROLLBACK"}).Draw(t, "result")
	who := func() string {
		if rapid.Bool().Draw(t, "by activity") {
			return fmt.Sprintf("activity=%d", rapid.IntRange(1, 20).Draw(t, "activity"))
		}
		return fmt.Sprintf("instance=i%x", rapid.IntRange(1, 40).Draw(t, "instance"))
	}
	switch rapid.IntRange(0, 5).Draw(t, "hook deed") {
	case 0:
		return fmt.Sprintf("hook web/%s timeout=%ds default=%s", hook, rapid.IntRange(30, 900).Draw(t, "timeout"), result)
	case 1:
		return "delete-hook web/" + id
	case 2:
		return "heartbeat web hook=" + id + " " + who()
	}
	return "complete web " + result + " hook=" + id + " " + who()
}

var beginning = []string{
	"configuration web ports=80",
	"group web min=1 max=10 desired=3 configuration=web zones=a,b,c pools=edge/web lists=files/db cooldown=60s",
	"rule web/add-two CHANGE_IN_CAPACITY 2",
	"rule web/sub-one CHANGE_IN_CAPACITY -1 cooldown=10s",
	"rule web/half PERCENT_CHANGE_IN_CAPACITY -50",
	"alarm web/high above=70 rules=add-two",
	"alarm web/low below=30 rules=sub-one,half",
	"task web/often cron=*/5~*~*~*~* rule=add-two window=60s",
	"machine m-a address=10.9.0.1",
	"machine m-b address=10.9.0.2",
	"machine m-c address=10.9.0.3",
	"task web/sizes cron=*/7~*~*~*~* min=2 desired=4 max=8",
}

func begin() *story {
	s := &story{World: controltest.New()}
	for _, line := range beginning {
		s.do(fields(line))
	}
	return s
}

func TestWhateverSomebodyDoesTheGroupStaysSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := begin()
		for range rapid.IntRange(1, 60).Draw(t, "deeds") {
			s.do(fields(drawDeed(t)))
			checkGroup(t, s)
		}
		recover := []string{"delete-hook web/warm", "delete-hook web/check", "delete-hook web/save", "mend", "roomy a", "roomy b", "roomy c", "update web lifetime=0s", "pool edge/web", "resume web", "unsuspend web LAUNCH TERMINATE ALARM SCHEDULED REPLACE_UNHEALTHY"}
		for n := 1; n <= 200; n++ {
			recover = append(recover, fmt.Sprintf("unprotect web i%x", n))
		}
		for _, line := range recover {
			s.do(fields(line))
		}
		for i := range s.View().Instances(s.Group("web").UID) {
			if i.State == autoscaling.EnteringStandby || i.State == autoscaling.Standby {
				s.do(fields("remove web instances=" + short(i.ID)))
			}
		}
		for range 30 { // back-offs end, one instance is tried, the rest follow
			s.Drive()
			s.Advance(11 * time.Minute)
			checkGroup(t, s)
		}
		g := s.Group("web")
		if c := s.View().Counts(g.UID); c.Counted != g.Desired || c.Live != g.Desired || c.ByState[autoscaling.InService] != g.Desired {
			t.Fatalf("desired %d, but %+v", g.Desired, c)
		}
	})
}

func checkGroup(t *rapid.T, s *story) {
	g := s.Group("web")
	if g.Desired < g.Min || g.Desired > g.Max {
		t.Fatalf("desired %d is outside %d..%d", g.Desired, g.Min, g.Max)
	}
	running := 0
	for a := range s.View().RunningActivities(g.UID) {
		if a.Trigger.Kind == autoscaling.TriggerSystem && (a.Kind == autoscaling.ScaleOut || a.Kind == autoscaling.ScaleIn) {
			running++
		}
	}
	if running > 1 {
		t.Fatalf("%d SYSTEM activities", running)
	}
}

// The bound is that of the moment of the launch: max may be lowered later.
func TestLaunchesKeepTheRunawayBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := begin()
		for range rapid.IntRange(1, 60).Draw(t, "deeds") {
			before := s.View().Counts(s.Group("web").UID).Live
			s.do(fields(drawDeed(t)))
			g := s.Group("web")
			var u autoscaling.Usage
			live := int32(0)
			for i := range s.View().Instances(g.UID) {
				u.Add(i)
				live++
			}
			if bound := g.Max + g.Surge(); live > before && u.Bound > bound {
				t.Fatalf("%d use a bound of %d", u.Bound, bound)
			}
		}
	})
}

// A request that is refused leaves the record of the refusal and nothing else;
// one that is invalid leaves nothing.
func TestARefusalIsAllThatARefusedRequestWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := begin()
		for range rapid.IntRange(0, 20).Draw(t, "deeds") {
			s.do(fields(drawDeed(t)))
		}
		before := s.Group("web")
		counts := s.View().Counts(before.UID)
		newest := newestActivity(s, before.UID)
		events := s.View().LastEvent()
		line := rapid.SampledFrom([]string{
			"set-desired web 3", "set-desired web 99", "set-desired web -3", "execute web/add-two", "execute web/nothing", "remove web instances=i1 decrement",
			"adjust web EXACT_CAPACITY 5", "delete web", "update web desired=99", "update web min=99",
		}).Draw(t, "request")
		var a *autoscaling.Activity
		err := s.Do(func(tx *fsm.Tx) error {
			_, err := s.command(tx, fields(line))
			return err
		})
		after := s.Group("web")
		if err != nil {
			if s.View().LastEvent() != events || newest != newestActivity(s, before.UID) || after != before {
				t.Fatalf("%s answered %v and wrote something", line, err)
			}
			return
		}
		for newest := range s.View().Activities(before.UID) {
			a = newest
			break
		}
		if a == nil || a.Status != autoscaling.ActivityRejected || (a.ID == newest.ID && a.Repeats == newest.Repeats) {
			return // it was accepted
		}
		want := *before
		want.RefusalActivity = a.ID
		if after.Desired != want.Desired || after.Revision != want.Revision || after.Generation != want.Generation || after.RefusalActivity != a.ID ||
			s.View().Counts(before.UID) != counts {
			t.Fatalf("%s was refused, but %+v became %+v", line, before, after)
		}
		if control.RefusalError(a) == nil || a.Reason == "" || a.Message == "" || a.Repeats < 1 {
			t.Fatalf("%+v says too little", a)
		}
		for e := range s.View().Events(events) {
			if e.Type != autoscaling.EventTriggerFired && e.Type != autoscaling.EventRequestRefused {
				t.Fatalf("a refusal wrote %s", e.Type)
			}
		}
	})
}

// newestFacts are what tells whether activities changed.
type newestFacts struct {
	ID      autoscaling.ActivityID
	Repeats int32
}

func newestActivity(s *story, group autoscaling.UID) newestFacts {
	for a := range s.View().Activities(group) {
		return newestFacts{a.ID, a.Repeats}
	}
	return newestFacts{}
}

// What the scheduler has decided it does not decide again.
func TestDecidingTwiceChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := begin()
		for range rapid.IntRange(1, 30).Draw(t, "deeds") {
			s.do(fields(drawDeed(t)))
			again := rapid.SampledFrom([]string{"run web", "report web/high 90", "report web/low 10", "report web/low nothing"}).Draw(t, "decision")
			s.do(fields(again))
			term, sequence := s.View().LogPosition()
			s.do(fields(again))
			if t2, s2 := s.View().LogPosition(); t2 != term || s2 != sequence {
				t.Fatalf("%q wrote something the second time", again)
			}
		}
		s.do(fields("drive"))
		term, sequence := s.View().LogPosition()
		s.do(fields("drive"))
		if t2, s2 := s.View().LogPosition(); t2 != term || s2 != sequence {
			t.Fatal("a group at rest does not rest")
		}
	})
}

// The same requests at the same times make the same history.
func TestTheSameStoryEndsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := slices.Clone(beginning)
		for range rapid.IntRange(1, 30).Draw(t, "deeds") {
			lines = append(lines, drawDeed(t))
		}
		tellOnce := func() string {
			s := &story{World: controltest.New()}
			for _, line := range lines {
				s.seen = s.View().LastEvent()
				s.do(fields(line))
				s.events()
			}
			return s.out.String()
		}
		if first, second := tellOnce(), tellOnce(); first != second {
			t.Fatal(firstDifference(first, second))
		}
	})
}

// Five hundred callers at once: one activity, the others are refused and folded.
func TestOneActivityForManyCallers(t *testing.T) {
	s := begin()
	s.Drive()
	s.Advance(2 * time.Minute)
	started, refusals := 0, map[autoscaling.ActivityID]bool{}
	s.MustDo(func(tx *fsm.Tx) error {
		for range 500 {
			a, err := s.Ops.ExecuteRule(tx, control.ExecuteRuleRequest{Name: control.ChildName{Namespace: "default", Group: "web", ID: "add-two"}})
			if err != nil {
				return err
			}
			if refused := control.RefusalError(a); refused == nil {
				started++
			} else if refused.Reason != autoscaling.ActivityRunning {
				return refused
			} else {
				refusals[a.ID] = true
			}
		}
		return nil
	})
	if started != 1 || len(refusals) != 1 {
		t.Fatalf("%d activities, refusals in %v", started, refusals)
	}
	for id := range refusals {
		if a := s.View().Activity(id); a.Repeats != 499 {
			t.Errorf("%d refusals are recorded", a.Repeats)
		}
	}
}
