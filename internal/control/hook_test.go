package control_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
)

// after runs commands one after another.
func after(script string) *story {
	s := &story{World: controltest.New()}
	for line := range strings.SplitSeq(script, ";") {
		s.do(fields(line))
	}
	return s
}

// answer is what one more command answers: an error in words, or "".
func (s *story) answer(line string) string {
	err := s.Do(func(tx *fsm.Tx) error {
		_, err := s.command(tx, fields(line))
		return err
	})
	if err == nil {
		return ""
	}
	return describe(err)
}

func (s *story) instance(id string) *autoscaling.Instance {
	return s.View().FindInstance(autoscaling.InstanceID(long(id)))
}

func TestAGroupHasAtMostFiftyHooks(t *testing.T) {
	s := after("configuration web; group web max=4 configuration=web")
	for n := range autoscaling.MaxHooks {
		if refused := s.answer(fmt.Sprintf("hook web/h%d LAUNCHING", n)); refused != "" {
			t.Fatal(refused)
		}
	}
	if refused := s.answer("hook web/more LAUNCHING"); !strings.HasPrefix(refused, "LIMIT_EXCEEDED") {
		t.Errorf("the 51st: %q", refused)
	}
	s.do(fields("set-desired web 1"))
	s.do(fields("drive"))
	if waits := s.instance("i1").Waits; len(waits) != autoscaling.MaxHooks {
		t.Errorf("%d hooks are open", len(waits))
	}
	if refused := s.answer("complete web CONTINUE activity=1 hook=h49"); refused != "" {
		t.Error(refused)
	}
}

func TestAGroupIsNotCreatedWithAWrongHook(t *testing.T) {
	for want, hooks := range map[string][]control.NewHook{
		"ALREADY_EXISTS: hooks[1]: namespaces/default/groups/web/lifecycleHooks/warm exists":                                {newHook("warm"), newHook("warm")},
		"INVALID_ARGUMENT: hooks[1].transition: \"\" is not one of [LAUNCHING TERMINATING]":                                 {newHook("warm"), {NewMeta: control.NewMeta{ID: "x"}, Hook: autoscaling.DefaultLifecycleHook()}},
		"DEPENDENCY_MISSING: hooks[0].notification target pager does not exist in namespace default":                        {targeted("pager")},
		"LIMIT_EXCEEDED: hooks[50]: there are 50 lifecycle hooks in group web, as many as there may be":                     manyHooks(51),
		"INVALID_ARGUMENT: hooks[0].lifecycle_hook_id: \"\" is not an id (lower-case letters, digits and hyphens, a letter": {newHook("")},
		"INVALID_ARGUMENT: hooks[0].heartbeat_timeout: 0s is not between 30s and 24h0m0s":                                   {{NewMeta: control.NewMeta{ID: "x"}, Hook: autoscaling.LifecycleHook{Transition: autoscaling.TransitionLaunching}}},
	} {
		s := after("configuration web")
		err := s.Do(func(tx *fsm.Tx) error {
			_, err := s.Ops.CreateGroup(tx, control.CreateGroupRequest{
				Namespace: "default", NewMeta: control.NewMeta{ID: "web"}, Spec: autoscaling.DefaultGroupSpec(), Hooks: hooks,
			})
			return err
		})
		if err == nil || !strings.HasPrefix(describe(err), want) {
			t.Errorf("it says %v, not %s", err, want)
		}
		if s.View().GroupByID("default", "web") != nil {
			t.Errorf("%s, and the group is there", want)
		}
	}
}

func newHook(id string) control.NewHook {
	h := autoscaling.DefaultLifecycleHook()
	h.Transition = autoscaling.TransitionLaunching
	return control.NewHook{NewMeta: control.NewMeta{ID: id}, Hook: h}
}

func targeted(target string) control.NewHook {
	h := newHook("warm")
	h.Hook.NotificationTarget = target
	return h
}

func manyHooks(n int) (hooks []control.NewHook) {
	for i := range n {
		hooks = append(hooks, newHook(fmt.Sprintf("h%d", i)))
	}
	return hooks
}

// However often a heartbeat is recorded, the wait ends after 100 times its
// time-out, and after 48 hours.
func TestHeartbeatsDoNotMakeAWaitEndless(t *testing.T) {
	for timeout, most := range map[time.Duration]time.Duration{30 * time.Second: 50 * time.Minute, time.Hour: 48 * time.Hour} {
		s := after(fmt.Sprintf("configuration web; group web max=1 desired=1 configuration=web hooks=warm LAUNCHING timeout=%s; drive", timeout))
		began, refused := s.Now, ""
		for refused == "" {
			s.Advance(timeout / 2)
			refused = s.answer("heartbeat web instance=i1 hook=warm")
		}
		if !strings.Contains(refused, "WRONG_STATE") || !strings.Contains(refused, "no heartbeat makes it wait longer") {
			t.Errorf("it says %q", refused)
		}
		i := s.instance("i1")
		if i.Deadline != began.Add(most) {
			t.Errorf("with %s it waits %s", timeout, i.Deadline.Sub(began))
		}
		s.Now = i.Deadline - 1
		s.Expire()
		if s.instance("i1").State != autoscaling.PendingWait {
			t.Error("it ended before its time")
		}
		s.Now = i.Deadline
		s.Expire()
		if s.instance("i1").State != autoscaling.TerminatingProceed {
			t.Error("it did not end in time")
		}
	}
}

// What instances wait for is what their notice said, whatever becomes of the
// hook meanwhile; and the notice says all that a program needs.
func TestAWaitKeepsWhatItsNoticeSaid(t *testing.T) {
	s := after("configuration web; group web max=4 desired=1 configuration=web hooks=warm LAUNCHING timeout=100s metadata=role~web; drive")
	var notice map[string]string
	for e := range s.View().Events(0) {
		if e.Type == autoscaling.EventHookWaiting {
			notice = e.Details
		}
	}
	w := s.instance("i1").Waits[0]
	for key, want := range map[string]string{
		"token": string(w.Token), "hook": "warm", "instance": long("i1"), "transition": "LAUNCHING", "deadline": w.Deadline.String(),
		"heartbeat_timeout": "1m40s", "default_result": "ABANDON", "metadata": "role web",
	} {
		if notice[key] != want {
			t.Errorf("the notice says %s: %q, not %q", key, notice[key], want)
		}
	}
	if id, ok := autoscaling.InstanceOfToken(w.Token); !ok || id != s.instance("i1").ID {
		t.Errorf("token %s is that of %q", w.Token, id)
	}
	s.do(fields("update-hook web/warm timeout=30s default=CONTINUE metadata=other"))
	s.do(fields("delete-hook web/warm"))
	if now := s.instance("i1").Waits[0]; now != w {
		t.Errorf("%+v became %+v", w, now)
	}
	s.Advance(60 * time.Second)
	if refused := s.answer("heartbeat web instance=i1 hook=warm"); refused != "" {
		t.Error(refused)
	}
	if now := s.instance("i1").Waits[0]; now.Deadline != s.Now.Add(100*time.Second) {
		t.Errorf("its heartbeat goes by another time-out: %+v", now)
	}
	if refused := s.answer("complete web ABANDON token=" + string(w.Token)); refused != "" {
		t.Error(refused)
	}
}

// Registration comes after the launch wait, deregistration before the terminate
// wait; the access list holds the address in both.
func TestHooksHoldBetweenListAndBalancer(t *testing.T) {
	s := after("configuration web ports=80; group web max=1 desired=1 configuration=web pools=edge/web lists=files/db hooks=warm LAUNCHING; hook web/save TERMINATING; drive")
	looks := func(state autoscaling.InstanceState, pool autoscaling.AttachmentState) {
		t.Helper()
		i := s.instance("i1")
		if i.State != state || i.AccessLists[0].State != autoscaling.AttachmentActive || i.Balancers[0].State != pool || !i.MachineRunning {
			t.Errorf("%s: list %v, pool %v, running %t", i.State, i.AccessLists[0].State, i.Balancers[0].State, i.MachineRunning)
		}
	}
	looks(autoscaling.PendingWait, autoscaling.AttachmentPending)
	s.do(fields("complete web CONTINUE instance=i1 hook=warm"))
	s.do(fields("drive"))
	looks(autoscaling.InService, autoscaling.AttachmentActive)
	s.do(fields("set-desired web 0"))
	s.do(fields("drive"))
	looks(autoscaling.TerminatingWait, autoscaling.AttachmentRemoved)
}

func TestHooksRunForTheAttachedAndTheDetachingOnlyWhenAsked(t *testing.T) {
	const group = "configuration web ports=80; machine m-9 address=10.9.0.9; group web max=4 configuration=web pools=edge/web lists=files/db hooks=warm LAUNCHING; hook web/save TERMINATING"
	for _, c := range []struct {
		script string
		want   autoscaling.InstanceState
		step   autoscaling.Step
	}{
		{"attach web machines=m-9; drive", autoscaling.InService, autoscaling.StepNone},
		{"attach web machines=m-9 run-hooks; drive", autoscaling.PendingWait, autoscaling.StepHooks},
		{"attach web machines=m-9; drive; remove web instances=i1 decrement; drive", autoscaling.Detached, autoscaling.StepNone},
		{"attach web machines=m-9; drive; detach web instances=i1 decrement run-hooks; drive", autoscaling.Detaching, autoscaling.StepHooks},
		{"attach web machines=m-9; drive; detach web instances=i1 decrement; drive", autoscaling.Detached, autoscaling.StepNone},
		{"attach web machines=m-9; drive; enter-standby web instances=i1 decrement; drive", autoscaling.Standby, autoscaling.StepNone},
		{"attach web machines=m-9; drive; enter-standby web instances=i1 decrement; drive; exit-standby web instances=i1; drive", autoscaling.InService, autoscaling.StepNone},
		{"attach web machines=m-9; drive; detach web instances=i1 decrement run-hooks; drive; delete web force skip-hooks; drive", autoscaling.Detached, autoscaling.StepNone},
	} {
		s := after(group + ";" + c.script)
		if i := s.instance("i1"); i.State != c.want || i.Step != c.step {
			t.Errorf("%s: it is %s at %q: %s", c.script, i.State, i.Step, s.out.String())
		}
	}
}

func TestWhatWasDetachedDoesNotRollBack(t *testing.T) {
	s := after("configuration web ports=80; group web max=4 desired=1 configuration=web pools=edge/web lists=files/db hooks=save TERMINATING; drive; detach web instances=i1 decrement run-hooks; drive")
	i := s.instance("i1")
	if i.State != autoscaling.Detaching || i.Balancers[0].State != autoscaling.AttachmentRemoved || i.AccessLists[0].State != autoscaling.AttachmentActive {
		t.Fatalf("%+v", i)
	}
	want := "INVALID_ARGUMENT: result: instance i-00000000000000001 is DETACHING: ROLLBACK is for those that are TERMINATING_WAIT"
	if refused := s.answer("complete web ROLLBACK instance=i1 hook=save"); refused != want {
		t.Errorf("it says %q", refused)
	}
	if s.instance("i1") != i {
		t.Error("and something changed")
	}
}

// What is replaced comes back only where the bound on launches leaves room for
// both.
func TestRollbackKeepsTheRunawayBound(t *testing.T) {
	s := after("configuration web; group web max=3 desired=3 configuration=web hooks=save TERMINATING; drive; remove web instances=i1,i2; step; step")
	if refused := s.answer("complete web ROLLBACK instance=i1 hook=save"); refused != "" {
		t.Errorf("i1: %q", refused)
	}
	if refused := s.answer("complete web ROLLBACK instance=i2 hook=save"); !strings.HasPrefix(refused, "OUT_OF_RANGE: ROLLBACK of instance i-00000000000000002 would bring group web above its bound of 4") {
		t.Errorf("i2: %q", refused)
	}
	if s.instance("i2").State != autoscaling.TerminatingWait {
		t.Error("and it went on")
	}
}

// Only what somebody asked to leave, and what is well, comes back.
func TestRollbackCountsAsContinueWhereNobodyMayComeBack(t *testing.T) {
	const group = "configuration web ports=80; group web max=4 desired=2 configuration=web grace=0s hooks=save TERMINATING; drive;"
	for script, why := range map[string]string{
		"health web i1 unhealthy; drive":             "the instance is unhealthy",
		"delete web force; drive":                    "the group is deleted",
		"set-desired web 1; drive; delete web force": "the group is deleted",
	} {
		s := after(group + script)
		if refused := s.answer("complete web ROLLBACK instance=i1 hook=save"); refused != "" {
			t.Errorf("%s: %s", script, refused)
		}
		i := s.instance("i1")
		if i.State != autoscaling.TerminatingProceed || i.Waits[0].Result != autoscaling.ResultContinue {
			t.Errorf("%s: it is %s, %+v", script, i.State, i.Waits[0])
		}
		said := ""
		for e := range s.View().Events(0) {
			if e.Type == autoscaling.EventHookEnded {
				said = e.Message
			}
		}
		if !strings.HasSuffix(said, "ROLLBACK counts as CONTINUE, because "+why) {
			t.Errorf("%s: it says %q", script, said)
		}
	}
}

// A launch that never became healthy drains and is held like every other removal,
// but was never in service.
func TestAFailedLaunchDoesNotRollBack(t *testing.T) {
	s := after("configuration web ports=80; group web max=4 desired=1 configuration=web pools=edge/web hooks=save TERMINATING; step; step; step; step; advance 600s; expire; drive")
	i := s.instance("i1")
	if i.State != autoscaling.TerminatingWait {
		t.Fatalf("it is %s: %s", i.State, s.out.String())
	}
	s.do(fields("complete web ROLLBACK instance=i1 hook=save"))
	if i := s.instance("i1"); i.State != autoscaling.TerminatingProceed {
		t.Errorf("it is %s: %s", i.State, s.out.String())
	}
}

func TestTokensBelongToOneGroup(t *testing.T) {
	s := after("configuration web; group web max=1 desired=1 configuration=web hooks=warm LAUNCHING; group api max=1 desired=1 configuration=web hooks=warm LAUNCHING; drive")
	token := string(s.instance("i1").Waits[0].Token)
	if refused := s.answer("complete api CONTINUE token=" + token); refused != "NOT_FOUND: token "+token+" is that of an instance of another group" {
		t.Errorf("it says %q", refused)
	}
	unknown := string(autoscaling.HookToken(autoscaling.InstanceID(long("i99")), "12345678-0000-4000-8000-000000000000"))
	if refused := s.answer("complete api CONTINUE token=" + unknown); refused != "NOT_FOUND: token "+unknown+" was not given out in group api, or its instance is forgotten" {
		t.Errorf("it says %q", refused)
	}
	if refused := s.answer("complete web CONTINUE token=" + token); refused != "" {
		t.Error(refused)
	}
}

// Each hook's deadline is its own and fires once, also where two share the moment.
func TestDeadlinesFireOnceForEachHook(t *testing.T) {
	s := after("configuration web; group web max=1 desired=1 configuration=web; hook web/a LAUNCHING timeout=30s default=CONTINUE; hook web/b LAUNCHING timeout=30s default=CONTINUE; hook web/c LAUNCHING timeout=31s default=CONTINUE; drive")
	ended := func() (n int) {
		for e := range s.View().Events(0) {
			if e.Type == autoscaling.EventHookEnded {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		wait  time.Duration
		ended int
		state autoscaling.InstanceState
	}{{29 * time.Second, 0, autoscaling.PendingWait}, {time.Second, 2, autoscaling.PendingWait}, {0, 2, autoscaling.PendingWait}, {time.Second, 3, autoscaling.InService}, {time.Hour, 3, autoscaling.InService}} {
		s.Advance(c.wait)
		s.Expire()
		if n := ended(); n != c.ended || s.instance("i1").State != c.state {
			t.Errorf("after %s %d have ended, and it is %s", s.Now.Sub(controltest.Start), n, s.instance("i1").State)
		}
	}
}

// Only what a leaving took from desired is given back: a program that says ROLLBACK
// again and again makes no group larger than people asked for.
func TestRollbackGivesBackWhatWasTaken(t *testing.T) {
	s := after("configuration web; group web max=10 desired=3 configuration=web hooks=save TERMINATING; drive; remove web instances=i1; drive")
	for range 3 {
		if refused := s.answer("complete web ROLLBACK instance=i1 hook=save"); refused != "" {
			t.Fatal(refused)
		}
		s.do(fields("drive")) // one too many: it leaves again
		if i, g := s.instance("i1"), s.Group("web"); i.State != autoscaling.TerminatingWait || g.Desired != 3 {
			t.Fatalf("it is %s, and desired is %d", i.State, g.Desired)
		}
	}
	s = after("configuration web; group web max=10 desired=3 configuration=web hooks=save TERMINATING; drive; set-desired web 1; drive")
	for _, i := range []string{"i1", "i2"} {
		if refused := s.answer("complete web ROLLBACK instance=" + i + " hook=save"); refused != "" {
			t.Fatal(refused)
		}
	}
	s.do(fields("drive"))
	if g := s.Group("web"); g.Desired != 3 || s.View().Counts(g.UID).ByState[autoscaling.InService] != 3 {
		t.Errorf("desired %d, %+v", g.Desired, s.View().Counts(g.UID))
	}
}
