package scheduler

import (
	"context"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

// orphans deals with machines that carry our tag and belong to no live
// instance: into quarantine first, removed after it, only so many at a time,
// and nothing at all just after a change of leader. A machine of another
// incarnation of the state is never touched: that state may be the one that is
// right.
func (o *observer) orphans(l *plan.Listing, strangers []providers.Machine) {
	known := map[autoscaling.InstanceID]autoscaling.Orphan{}
	for orphan := range l.Now.Orphans() {
		if orphan.Provider == o.provider {
			known[orphan.Instance] = *orphan
		}
	}
	for id := range known {
		if !slices.ContainsFunc(l.Machines, func(m providers.Machine) bool { return m.Instance == string(id) }) {
			o.gone(id, false)
		}
	}
	if o.t.grace() {
		return
	}
	share := max(1, len(l.Machines)*o.t.Limits.OrphanShare/100)
	for _, m := range strangers {
		if !plan.IsStranger(l.Before, o.provider, m, o.t.fence.Incarnation) {
			continue
		}
		orphan, quarantined := known[autoscaling.InstanceID(m.Instance)]
		switch {
		case !quarantined:
			o.quarantine(m)
		case o.t.Now() >= orphan.RemoveAfter && share > 0:
			share--
			o.remove(orphan.Instance)
		}
	}
}

func (o *observer) quarantine(m providers.Machine) {
	now := o.t.Now()
	orphan := autoscaling.Orphan{
		Provider: o.provider, Instance: autoscaling.InstanceID(m.Instance), MachineID: m.ID,
		FirstSeen: now, RemoveAfter: now.Add(o.t.Limits.OrphanGrace),
	}
	o.t.log.Warn("machine without an instance", "provider", o.provider, "instance", m.Instance, "machine", m.ID)
	o.t.reporter.report(fact{apply: func(tx *fsm.Tx, op control.Operations) error { return op.ReportOrphan(tx, orphan) }})
}

func (o *observer) gone(id autoscaling.InstanceID, removed bool) {
	o.t.reporter.report(fact{apply: func(tx *fsm.Tx, op control.Operations) error { return op.ReportOrphanGone(tx, o.provider, id, removed) }})
}

// remove frees the machine; when that fails, a later listing tries again.
func (o *observer) remove(id autoscaling.InstanceID) {
	o.t.post(func(ctx context.Context) {
		if _, busy := o.t.busy[id]; busy {
			return
		}
		o.t.busy[id] = struct{}{}
		o.t.calls.Go(func() {
			calling, cancel := context.WithTimeout(ctx, o.t.Limits.CallTimeout)
			defer cancel()
			err := o.compute.Remove(calling, o.t.fence, string(id))
			if err == nil {
				o.gone(id, true)
			} else {
				o.t.log.Warn("orphan not removed", "provider", o.provider, "instance", id, "error", err)
			}
			o.t.post(func(context.Context) { delete(o.t.busy, id) })
		})
	})
}
