package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// SetInstanceProtectionRequest asks to protect instances from scale-in, or not.
type SetInstanceProtectionRequest struct {
	Caller
	Group     GroupName
	Instances []string // ids or uids
	Protected bool
}

// SetInstanceProtection answers the instances in the order in which they were
// named. One that is leaving cannot be protected any more.
func (o Operations) SetInstanceProtection(tx *fsm.Tx, req SetInstanceProtectionRequest) ([]*autoscaling.Instance, error) {
	g, err := changeableGroup(tx, req.Group)
	if err != nil {
		return nil, err
	}
	instances, err := named(tx, g, req.Instances, MaxNamed)
	if err != nil {
		return nil, err
	}
	for n, i := range instances {
		if !stays(i) {
			return nil, wrongState(g, i)
		}
		if i.Protected == req.Protected {
			continue
		}
		c := *i
		c.Protected = req.Protected
		tx.PutInstance(&c)
		instances[n] = &c
		message := req.name() + " ended its protection from scale-in"
		if c.Protected {
			message = req.name() + " protected it from scale-in"
		}
		tx.Emit(instanceEvent(tx, &c, autoscaling.EventInstanceProtection, message))
	}
	return instances, nil
}

func wrongState(g *autoscaling.Group, i *autoscaling.Instance) error {
	err := autoscaling.Errorf(autoscaling.WrongState, "instance %s is %s", i.ID, i.State)
	err.Resource = autoscaling.InstanceResource(g.Namespace, g.ID, i.ID)
	return err
}
