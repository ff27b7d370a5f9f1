package plan

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// PoolShares are a group's parts of balancer pools, in order: what a node that
// serves a pool itself reads from its applied state.
func PoolShares(r fsm.Reader, group autoscaling.UID) []Share {
	if r.Counts(group).Balanced == 0 {
		return nil // it is asked with every entry that changes the group
	}
	var s shares
	for i := range r.Instances(group) {
		if len(i.Balancers) > 0 {
			s.add(i)
		}
	}
	var pools []Share
	for _, share := range s.all() {
		if share.Key.Kind == Pool {
			pools = append(pools, share)
		}
	}
	return pools
}
