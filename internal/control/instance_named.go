package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// named looks up the instances that a request names, in its order.
func named(tx *fsm.Tx, g *autoscaling.Group, ids []string) ([]*autoscaling.Instance, error) {
	switch {
	case len(ids) == 0:
		return nil, autoscaling.FieldErrorf("instances", "at least one instance is required")
	case len(ids) > MaxNamed:
		return nil, autoscaling.FieldErrorf("instances", "%d are named, at most %d can be", len(ids), MaxNamed)
	}
	seen := map[autoscaling.InstanceID]bool{}
	found := make([]*autoscaling.Instance, len(ids))
	for n, id := range ids {
		i := tx.Instance(g.UID, instanceID(id))
		if i == nil {
			return nil, notFound(autoscaling.InstanceResource(g.Namespace, g.ID, autoscaling.InstanceID(id)))
		}
		if seen[i.ID] {
			return nil, autoscaling.FieldErrorf(fmt.Sprintf("instances[%d]", n), "%s is there twice", i.ID)
		}
		seen[i.ID] = true
		found[n] = i
	}
	return found, nil
}

// stays says whether the instance is neither gone nor on its way out.
func stays(i *autoscaling.Instance) bool {
	return !i.State.Final() && !i.State.LeavingForGood() && i.State != autoscaling.Detaching
}
