package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// named looks up the instances that a request names, in its order, at most so
// many.
func named(tx *fsm.Tx, g *autoscaling.Group, ids []string, most int) ([]*autoscaling.Instance, error) {
	if err := checkNumber("instances", "instance", len(ids), most); err != nil {
		return nil, err
	}
	b := batch{field: "instances"}
	seen := map[autoscaling.InstanceID]bool{}
	found := make([]*autoscaling.Instance, len(ids))
	for n, id := range ids {
		i := tx.Instance(g.UID, instanceID(id))
		switch {
		case i == nil:
			b.refuse(n, autoscaling.NotFound, "%s does not exist", autoscaling.InstanceResource(g.Namespace, g.ID, autoscaling.InstanceID(id)))
		case seen[i.ID]:
			b.refuse(n, autoscaling.InvalidArgument, "%s is there twice", i.ID)
		default:
			seen[i.ID] = true
			found[n] = i
		}
	}
	if err := b.err(); err != nil {
		if err.Reason == autoscaling.NotFound {
			err.Resource = autoscaling.GroupResource(g.Namespace, g.ID)
		}
		return nil, err
	}
	return found, nil
}

// checkNumber refuses a request that names nothing, or too much.
func checkNumber(field, what string, n, most int) error {
	switch {
	case n == 0:
		return autoscaling.FieldErrorf(field, "at least one %s is required", what)
	case n > most:
		return autoscaling.FieldErrorf(field, "%d are named, at most %d can be", n, most)
	}
	return nil
}

// stays says whether the instance is neither gone nor on its way out.
func stays(i *autoscaling.Instance) bool {
	return !i.State.Final() && !i.State.LeavingForGood() && i.State != autoscaling.Detaching
}
