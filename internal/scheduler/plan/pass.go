package plan

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// Hold is what must wait although the state asks for it.
type Hold struct {
	// Replacements of unhealthy instances: for a while after a change of leader,
	// when what is known of health may be old.
	Replacements bool
}

// Pass is one look at a group.
type Pass struct {
	// Decisions are what there is to write, each to be run as one function of the
	// writer. They check again, so that a stale pass does no harm.
	Decisions []Decision
	// Machines are the effects on machines that should be under way.
	Machines []Machine
	// Shares are the group's parts of access lists and pools.
	Shares []Share
	// Probes are the instances that the service checks itself.
	Probes []*autoscaling.Instance
	// Overdue are the instances past their deadlines, by state.
	Overdue [autoscaling.StateCount]int32
	// Wake is when to look again although nothing changed; 0: never.
	Wake autoscaling.Time
	// Held says that something would be decided, were it not for the Hold: look again
	// when that ends.
	Held bool
}

// Decision is one thing to write about a group.
type Decision struct {
	Name  string
	Apply Fact
}

// maxPerDecision bounds how many instances one function of the writer moves:
// log entries aim below 1 MiB.
const maxPerDecision = 500

// Look makes a pass over a group. It reads every live instance once.
func Look(r fsm.Reader, group autoscaling.UID, now autoscaling.Time, hold Hold) *Pass {
	g := r.Group(group)
	p := &Pass{}
	if g == nil || g.State == autoscaling.GroupDeleted {
		return p
	}
	l := look{pass: p, r: r, g: g, now: now, probes: control.Probes(g), upkeep: control.NewUpkeepTally(g, now)}
	l.shares.group = group
	if r.Counts(group).Live > 0 { // a group that is empty, or paused at nothing, is looked at with every change
		l.admission = control.AdmissionOf(r, g, now)
		for i := range r.Instances(group) {
			l.instance(i)
		}
	}
	l.close()
	l.late()
	l.group(hold)
	l.tasks()
	p.Shares = l.shares.all()
	return p
}

// look is a pass being made.
type look struct {
	pass      *Pass
	r         fsm.Reader
	g         *autoscaling.Group
	now       autoscaling.Time
	admission control.Admission
	probes    bool
	shares    shares
	watch     control.Watch
	upkeep    control.UpkeepTally

	begin, expire, mark, age []autoscaling.InstanceID
}

func (l *look) instance(i *autoscaling.Instance) {
	if deadline := control.DeadlineOf(l.g, i); deadline != 0 {
		if l.now >= deadline {
			l.expire = append(l.expire, i.ID)
			l.flush(maxPerDecision)
		} else {
			l.wake(deadline)
		}
	}
	l.wake(l.watch.See(l.g, i, l.now))
	switch i.State {
	case autoscaling.Initial:
		ok, wake := l.admission.Admit(i)
		if ok {
			l.begin = append(l.begin, i.ID)
			l.flush(maxPerDecision)
		}
		l.wake(wake)
	case autoscaling.InService, autoscaling.Standby:
		due, wake := control.HealthDue(l.g, i, l.now)
		if due {
			l.mark = append(l.mark, i.ID)
			l.flush(maxPerDecision)
		}
		l.wake(wake)
		if control.LifetimeDue(l.g, i) {
			l.age = append(l.age, i.ID)
			l.flush(maxPerDecision)
		}
	default:
		l.machine(i)
	}
	l.upkeep.Add(i)
	l.shares.add(i)
	if l.probes && probed(i) {
		l.pass.Probes = append(l.pass.Probes, i)
	}
}

// probed says whether the service's own probe has something to say about it.
func probed(i *autoscaling.Instance) bool {
	return len(i.Addresses) > 0 && i.MachineRunning && (i.State == autoscaling.InService || i.Step == autoscaling.StepCheck)
}

func (l *look) wake(t autoscaling.Time) {
	l.pass.Wake = autoscaling.Earliest(l.pass.Wake, t)
}

func (l *look) decide(name string, apply func(tx *fsm.Tx, o control.Operations) error) {
	l.pass.Decisions = append(l.pass.Decisions, Decision{Name: name, Apply: apply})
}

// unless decides, or notes that it would if it were not held.
func (l *look) unless(held bool, name string, apply func(tx *fsm.Tx, o control.Operations) error) {
	if held {
		l.pass.Held = true
		return
	}
	l.decide(name, apply)
}

// flush turns what was gathered about instances into a decision, if it is at
// least that much.
func (l *look) flush(least int) {
	if len(l.begin)+len(l.expire)+len(l.mark)+len(l.age) < max(least, 1) {
		return
	}
	group, begin, expire, mark, age := l.g.UID, l.begin, l.expire, l.mark, l.age
	l.begin, l.expire, l.mark, l.age = nil, nil, nil, nil
	l.decide("instances", func(tx *fsm.Tx, o control.Operations) error {
		for _, id := range expire {
			if err := o.ExpireDeadline(tx, group, id); err != nil {
				return err
			}
		}
		for _, id := range mark {
			if err := o.MarkHealth(tx, group, id); err != nil {
				return err
			}
		}
		for _, id := range age {
			if err := o.SetLifetime(tx, group, id); err != nil {
				return err
			}
		}
		for _, id := range begin {
			if err := o.Begin(tx, group, id); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l *look) close() { l.flush(1) }

// late says on the group that somebody is past his deadline, whatever the group
// is doing.
func (l *look) late() {
	l.pass.Overdue = l.watch.ByState
	if l.watch.Due(l.g) {
		group := l.g.UID
		l.decide("overdue", func(tx *fsm.Tx, o control.Operations) error { return o.MarkOverdue(tx, group) })
	}
}

// group is what there is to decide about the group as a whole.
func (l *look) group(hold Hold) {
	group := l.g.UID
	if control.DeletionDue(l.r, l.g) {
		l.decide("deletion", func(tx *fsm.Tx, o control.Operations) error { return o.AdvanceDeletion(tx, group) })
		return
	}
	if control.FitDue(l.g) {
		l.decide("attachments", func(tx *fsm.Tx, o control.Operations) error { return o.FitAttachments(tx, group) })
	}
	if control.ProviderDownOver(l.r, l.g) {
		l.decide("provider", func(tx *fsm.Tx, o control.Operations) error { return o.EndProviderDown(tx, group) })
	}
	if control.ReplaceDue(l.r, l.g, l.now) {
		l.unless(hold.Replacements, "replacement", func(tx *fsm.Tx, o control.Operations) error { return o.ReplaceUnhealthy(tx, group) })
	}
	l.wake(control.ReplaceWake(l.r, l.g, l.now))
	due, wake := control.ConvergeDue(l.r, l.g, l.now)
	if due {
		l.decide("convergence", func(tx *fsm.Tx, o control.Operations) error { return o.Converge(tx, group) })
	}
	l.wake(wake)
	due, wake = l.upkeep.Due(l.r)
	if due {
		l.unless(hold.Replacements, "upkeep", func(tx *fsm.Tx, o control.Operations) error { return o.Upkeep(tx, group) })
	}
	l.wake(wake)
}
