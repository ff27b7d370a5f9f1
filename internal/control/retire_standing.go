package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// Some instances leave only when another serves in their place ("retire"): moved
// to another zone, older than max_instance_lifetime, or unhealthy in a group that
// launches first. Their replacements say whom they replace. While a replacement
// is on its way in there is one too many, which is meant: convergence must not
// take it back, and what is asked for meanwhile comes on top of it.

// standing is the capacity that is counted and is to stay: without those whose
// replacement is on its way.
func standing(r fsm.Reader, group autoscaling.UID) int32 {
	c := r.Counts(group)
	if c.Replacing == 0 {
		return c.Capacity
	}
	n := c.Capacity
	for id := range retiring(r, group) {
		n -= r.Instance(group, id).Capacity()
	}
	return n
}

// retiring are the counted instances whose replacement is on its way.
func retiring(r fsm.Reader, group autoscaling.UID) map[autoscaling.InstanceID]bool {
	if r.Counts(group).Replacing == 0 {
		return nil
	}
	found := map[autoscaling.InstanceID]bool{}
	for i := range r.Instances(group) {
		if !i.Replacing() {
			continue
		}
		if v := r.Instance(group, i.Replaces); v != nil && v.State.Counted() {
			found[v.ID] = true
		}
	}
	return found
}
