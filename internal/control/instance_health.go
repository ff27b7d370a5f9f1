package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// SetInstanceHealthRequest reports an instance as healthy or unhealthy.
type SetInstanceHealthRequest struct {
	Caller
	Group    GroupName
	Instance string // id or uid
	Health   autoscaling.Health
	// RespectGracePeriod drops a report of UNHEALTHY in the grace period.
	RespectGracePeriod bool
}

// SetInstanceHealth marks the instance; the next pass over the group replaces
// it. Only an instance in service is one thing or the other.
func (o Operations) SetInstanceHealth(tx *fsm.Tx, req SetInstanceHealthRequest) (*autoscaling.Instance, error) {
	g, err := changeableGroup(tx, req.Group)
	if err != nil {
		return nil, err
	}
	if req.Health != autoscaling.HealthHealthy && req.Health != autoscaling.HealthUnhealthy {
		return nil, autoscaling.FieldErrorf("health", "is HEALTHY or UNHEALTHY")
	}
	i := tx.Instance(g.UID, instanceID(req.Instance))
	if i == nil {
		return nil, notFound(autoscaling.InstanceResource(g.Namespace, g.ID, autoscaling.InstanceID(req.Instance)))
	}
	if i.State != autoscaling.InService {
		return nil, wrongState(g, i)
	}
	unhealthy := req.Health == autoscaling.HealthUnhealthy
	if i.Health == req.Health && (!unhealthy || i.UnhealthySource == autoscaling.SourceReport) ||
		unhealthy && req.RespectGracePeriod && tx.Now() < i.GraceUntil {
		return i, nil
	}
	c := *i
	c.Health = req.Health
	c.UnhealthyReason, c.UnhealthySince, c.UnhealthySource = "", 0, ""
	message := req.name() + " reported it as healthy"
	if unhealthy {
		message = req.name() + " reported it as unhealthy"
		c.UnhealthyReason, c.UnhealthySince, c.UnhealthySource = message, tx.Now(), autoscaling.SourceReport
	}
	tx.PutInstance(&c)
	tx.Emit(instanceEvent(tx, &c, autoscaling.EventInstanceHealth, message))
	return &c, nil
}
