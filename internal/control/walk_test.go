package control_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control/controltest"
)

// way is how an exit of the lifecycle's table is provoked: commands of the
// stories, after which an instance has gone that way.
type way struct {
	from, to autoscaling.InstanceState
	when     string // as in the table
	script   string
}

// What a way begins with.
const (
	group1     = "configuration web ports=80; group web min=0 max=4 desired=1 configuration=web pools=edge/web lists=files/db cooldown=0s"
	launching  = group1 + " hooks=warm,licence LAUNCHING timeout=100s; drive"
	passing    = group1 + " hooks=warm LAUNCHING timeout=100s default=CONTINUE; drive"
	serving    = group1 + "; drive"
	saving     = group1 + " hooks=save,archive TERMINATING timeout=100s default=CONTINUE; drive"
	standing   = serving + "; enter-standby web instances=i1 decrement; drive"
	terminated = saving + "; set-desired web 0; drive"
	started    = "step; step; step; step" // PENDING_PROCEED
)

var ways = []way{
	{autoscaling.Initial, autoscaling.Pending, "the launch begins", group1 + "; step"},
	{autoscaling.Initial, autoscaling.Terminated, "cancelled: removed, desired lowered, or the group deleted", group1 + "; set-desired web 0"},
	{autoscaling.Initial, autoscaling.Terminated, "not begun within launch_timeout", group1 + "; advance 601s; expire"},

	{autoscaling.Pending, autoscaling.PendingWait, "the machine runs, and launch hooks hold it", launching},
	{autoscaling.Pending, autoscaling.PendingProceed, "the machine runs, and no launch hook holds it", serving},
	{autoscaling.Pending, autoscaling.TerminatingProceed, "the launch fails, the machine ends, or the deadline passes", group1 + "; break error=nothing; drive"},
	{autoscaling.Pending, autoscaling.TerminatingProceed, "the launch fails, the machine ends, or the deadline passes", group1 + "; step; step; gone i1"},
	{autoscaling.Pending, autoscaling.TerminatingProceed, "the launch fails, the machine ends, or the deadline passes", group1 + "; step; advance 600s; expire"},
	{autoscaling.Pending, autoscaling.Terminating, "removed, desired lowered, or the group deleted", group1 + "; step; remove web instances=i1"},
	{autoscaling.Pending, autoscaling.Terminating, "removed, desired lowered, or the group deleted", group1 + "; step; set-desired web 0"},
	{autoscaling.Pending, autoscaling.Terminating, "removed, desired lowered, or the group deleted", group1 + "; step; delete web force"},

	{autoscaling.PendingWait, autoscaling.PendingProceed, "the last hook says CONTINUE", launching + "; complete web CONTINUE instance=i1 hook=warm; complete web CONTINUE token=i1/licence"},
	{autoscaling.PendingWait, autoscaling.PendingProceed, "the last hook's deadline passes, and its default_result is CONTINUE", passing + "; advance 100s; drive"},
	{autoscaling.PendingWait, autoscaling.TerminatingProceed, "the first hook says ABANDON", launching + "; complete web ABANDON activity=1 hook=warm"},
	{autoscaling.PendingWait, autoscaling.TerminatingProceed, "a hook's deadline passes, and its default_result is ABANDON", launching + "; advance 100s; drive"},
	{autoscaling.PendingWait, autoscaling.TerminatingProceed, "the machine ends", launching + "; gone i1"},
	{autoscaling.PendingWait, autoscaling.TerminatingProceed, "removed, desired lowered, or the group deleted", launching + "; remove web instances=i1"},
	{autoscaling.PendingWait, autoscaling.TerminatingProceed, "removed, desired lowered, or the group deleted", launching + "; set-desired web 0"},
	{autoscaling.PendingWait, autoscaling.TerminatingProceed, "removed, desired lowered, or the group deleted", launching + "; delete web force"},

	{autoscaling.PendingProceed, autoscaling.InService, "registered and healthy", serving},
	{autoscaling.PendingProceed, autoscaling.Terminating, "the machine ends, or the deadline passes", group1 + "; " + started + "; gone i1"},
	{autoscaling.PendingProceed, autoscaling.Terminating, "the machine ends, or the deadline passes", group1 + "; " + started + "; advance 600s; expire"},
	{autoscaling.PendingProceed, autoscaling.Terminating, "removed, desired lowered, or the group deleted", group1 + "; " + started + "; remove web instances=i1"},
	{autoscaling.PendingProceed, autoscaling.Terminating, "removed, desired lowered, or the group deleted", group1 + "; " + started + "; set-desired web 0"},
	{autoscaling.PendingProceed, autoscaling.Terminating, "removed, desired lowered, or the group deleted", group1 + "; " + started + "; delete web force"},

	{autoscaling.InService, autoscaling.Terminating, "removed, scaled in, replaced, or the group deleted", serving + "; remove web instances=i1"},
	{autoscaling.InService, autoscaling.Terminating, "removed, scaled in, replaced, or the group deleted", serving + "; set-desired web 0"},
	{autoscaling.InService, autoscaling.Terminating, "removed, scaled in, replaced, or the group deleted", serving + "; health web i1 unhealthy; drive"},
	{autoscaling.InService, autoscaling.Terminating, "removed, scaled in, replaced, or the group deleted", serving + "; delete web force"},

	{autoscaling.InService, autoscaling.EnteringStandby, "put on standby", serving + "; enter-standby web instances=i1"},
	{autoscaling.InService, autoscaling.Detaching, "detached", serving + "; detach web instances=i1"},

	{autoscaling.EnteringStandby, autoscaling.Standby, "out of the load balancers, or the deadline passes", standing},
	{autoscaling.EnteringStandby, autoscaling.Standby, "out of the load balancers, or the deadline passes", serving + "; enter-standby web instances=i1 decrement; advance 30s; expire; advance 30s; expire"},
	{autoscaling.EnteringStandby, autoscaling.Terminating, "the machine ends", serving + "; enter-standby web instances=i1; gone i1"},
	{autoscaling.EnteringStandby, autoscaling.Terminating, "removed, or the group deleted", serving + "; enter-standby web instances=i1; remove web instances=i1"},
	{autoscaling.EnteringStandby, autoscaling.Terminating, "removed, or the group deleted", serving + "; enter-standby web instances=i1; delete web force"},

	{autoscaling.Standby, autoscaling.PendingProceed, "put back into service", standing + "; exit-standby web instances=i1"},
	{autoscaling.Standby, autoscaling.Terminating, "removed, or the group deleted", standing + "; remove web instances=i1"},
	{autoscaling.Standby, autoscaling.Terminating, "removed, or the group deleted", standing + "; delete web force"},
	{autoscaling.Standby, autoscaling.Detaching, "detached", standing + "; detach web instances=i1"},

	{autoscaling.Detaching, autoscaling.Detached, "released", serving + "; detach web instances=i1 decrement; drive"},
	{autoscaling.Detaching, autoscaling.Detached, "released", saving + "; detach web instances=i1 decrement run-hooks; drive; complete web CONTINUE instance=i1 hook=save; complete web ABANDON instance=i1 hook=archive; drive"},
	{autoscaling.Detaching, autoscaling.Detached, "released", saving + "; detach web instances=i1 decrement run-hooks; drive; advance 100s; drive"},
	{autoscaling.Detaching, autoscaling.Detached, "released", saving + "; detach web instances=i1 decrement run-hooks; drive; gone i1; drive"},

	{autoscaling.Terminating, autoscaling.TerminatingWait, "out of the load balancers, or the deadline passes, and terminate hooks hold it", terminated},
	{autoscaling.Terminating, autoscaling.TerminatingWait, "out of the load balancers, or the deadline passes, and terminate hooks hold it", saving + "; set-desired web 0; advance 30s; expire; advance 30s; expire"},
	{autoscaling.Terminating, autoscaling.TerminatingProceed, "out of the load balancers, or the deadline passes, and no terminate hook holds it", serving + "; set-desired web 0; drive"},
	{autoscaling.Terminating, autoscaling.TerminatingProceed, "out of the load balancers, or the deadline passes, and no terminate hook holds it", serving + "; set-desired web 0; advance 30s; expire; advance 30s; expire"},
	{autoscaling.Terminating, autoscaling.TerminatingProceed, "out of the load balancers, or the deadline passes, and no terminate hook holds it", saving + "; delete web force skip-hooks; drive"},

	{autoscaling.TerminatingWait, autoscaling.TerminatingProceed, "the last hook says CONTINUE", terminated + "; complete web CONTINUE instance=i1 hook=save; complete web CONTINUE instance=i1 hook=archive"},
	{autoscaling.TerminatingWait, autoscaling.TerminatingProceed, "the first hook says ABANDON", terminated + "; complete web ABANDON instance=i1 hook=archive"},
	{autoscaling.TerminatingWait, autoscaling.TerminatingProceed, "the last hook's deadline passes, or a hook's whose default_result is ABANDON", terminated + "; advance 100s; drive"},
	{autoscaling.TerminatingWait, autoscaling.TerminatingProceed, "the last hook's deadline passes, or a hook's whose default_result is ABANDON", saving + "; update-hook web/save default=ABANDON timeout=40s; set-desired web 0; drive; advance 40s; drive"},
	{autoscaling.TerminatingWait, autoscaling.TerminatingProceed, "the machine ends", terminated + "; gone i1"},
	{autoscaling.TerminatingWait, autoscaling.TerminatingProceed, "the group is deleted with skip_hooks", terminated + "; delete web force skip-hooks"},
	{autoscaling.TerminatingWait, autoscaling.PendingProceed, "the first hook says ROLLBACK", terminated + "; complete web ROLLBACK instance=i1 hook=archive"},

	{autoscaling.TerminatingProceed, autoscaling.Terminated, "the machine is gone", serving + "; set-desired web 0; drive"},
	{autoscaling.TerminatingProceed, autoscaling.Detached, "attached and not entrusted: released", serving + "; machine m-9 address=10.9.0.9; attach web machines=m-9; drive; remove web instances=i2 decrement; drive"},
}

// TestEveryWayOfTheLifecycleIsGone provokes each exit of each row of the table,
// by the operations and reports that a user and the world have for it: the last
// command of each script sends an instance that way.
func TestEveryWayOfTheLifecycleIsGone(t *testing.T) {
	steps := map[string]bool{}
	for _, w := range ways {
		t.Run(fmt.Sprintf("%s to %s: %s", w.from, w.to, w.script[strings.LastIndex(w.script, ";")+1:]), func(t *testing.T) {
			if !slices.ContainsFunc(w.from.Row().Exits, func(e autoscaling.Exit) bool { return e.To == w.to && e.When == w.when && !e.Later }) {
				t.Fatalf("the table has no exit %q", w.when)
			}
			s := &story{World: controltest.New()}
			commands := strings.Split(w.script, ";")
			for _, command := range commands[:len(commands)-1] {
				s.do(fields(command))
			}
			if s.transitions(steps)[transition{w.from, w.to}] {
				t.Errorf("an instance went that way before the last command")
			}
			s.do(fields(commands[len(commands)-1]))
			if gone := s.transitions(steps); !gone[transition{w.from, w.to}] {
				t.Errorf("no instance went that way, but %v: %s", gone, s.out.String())
			}
			s.do(fields("drive"))
			s.Advance(1e15) // the longest wait is over
			s.do(fields("drive"))
			for i := range s.View().Instances(s.Group("web").UID) {
				if !i.State.Resting() && i.Deadline == 0 {
					t.Errorf("%s is at %s %s in the end, without a deadline", i.ID, i.State, i.Step)
				}
			}
		})
	}
	for _, r := range autoscaling.Lifecycle {
		for _, e := range r.Exits {
			if !e.Later && !slices.ContainsFunc(ways, func(w way) bool { return w.from == r.State && w.to == e.To && w.when == e.When }) {
				t.Errorf("nobody goes from %s to %s (%s)", r.State, e.To, e.When)
			}
		}
		for _, step := range r.Steps {
			if !steps[r.State.String()+"/"+step.String()] {
				t.Errorf("no instance finished %s in %s", step, r.State)
			}
		}
	}
}

type transition struct{ from, to autoscaling.InstanceState }

func (t transition) String() string { return t.from.String() + "→" + t.to.String() }

// transitions are those in the event log, and it adds the finished steps.
func (s *story) transitions(steps map[string]bool) map[transition]bool {
	at, gone := map[autoscaling.InstanceID]autoscaling.InstanceState{}, map[transition]bool{}
	for e := range s.View().Events(0) {
		switch e.Type {
		case autoscaling.EventInstanceState:
			if from := at[e.Instance]; from != 0 {
				gone[transition{from, e.State}] = true
			}
			at[e.Instance] = e.State
		case autoscaling.EventInstanceStep:
			steps[e.State.String()+"/"+e.Step.String()] = true
		}
	}
	return gone
}
