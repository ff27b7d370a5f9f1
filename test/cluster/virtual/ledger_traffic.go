package virtual

import (
	"fmt"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
)

// The book's part about who is in which list and gets traffic from which pool.

// listed is told of whom the list is wanted, by what the caller knew: of a group
// that gave the list up, machines leave it while they run.
func (l *Ledger) listed(node string, epoch uint64, list string, was, is []providers.Entry, wanted func(instance string) bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrote(node, epoch, fmt.Sprintf("set list %s to %d entries", list, len(is)), err)
	if err != nil {
		return
	}
	for _, e := range is {
		if m := l.machines[e.Instance]; m != nil {
			m.did(Listed)
		}
	}
	for _, e := range was {
		m := l.machines[e.Instance]
		if m == nil || slices.ContainsFunc(is, func(x providers.Entry) bool { return x.Instance == e.Instance }) {
			continue
		}
		l.must(!l.runs(m) || !wanted(e.Instance), "node %s took machine %s out of list %s while it ran", node, e.Instance, list)
		m.did(Unlisted)
	}
}

// pooled is told the states of those whom the caller knew, when it called.
func (l *Ledger) pooled(node string, epoch uint64, pool string, was []providers.Target, is providers.TargetSet, known func(instance string) *autoscaling.Instance, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrote(node, epoch, fmt.Sprintf("set pool %s to %d targets", pool, len(is.Targets)), err)
	if err != nil {
		return
	}
	for _, t := range is.Targets {
		m := l.machines[t.Instance]
		if m == nil {
			l.must(false, "node %s sends traffic of %s to %s, which has no machine", node, pool, t.Instance)
			continue
		}
		if t.Drain {
			m.did(Drained)
			continue
		}
		l.must(m.running || m.ended || l.truth(t.Instance) != providers.MachineCreated, "node %s sends traffic of %s to %s, which was not started", node, pool, t.Instance)
		i := known(t.Instance)
		l.must(i == nil || !beforeService(i.State), "node %s sends traffic of %s to %s, which is %s", node, pool, t.Instance, stateOf(i))
		m.did(Pooled)
	}
	for _, t := range was {
		m := l.machines[t.Instance]
		if m != nil && !slices.ContainsFunc(is.Targets, func(x providers.Target) bool { return x.Instance == t.Instance }) {
			m.did(Unpooled)
		}
	}
}

// beforeService says whether an instance in the state has no business in a pool
// yet: hooks may still refuse it.
func beforeService(s autoscaling.InstanceState) bool {
	return s == autoscaling.Initial || s == autoscaling.Pending || s == autoscaling.PendingWait
}

func stateOf(i *autoscaling.Instance) string {
	if i == nil {
		return "unknown"
	}
	return i.State.String()
}
