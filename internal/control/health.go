package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// Verdict is what the facts on an instance in service add up to.
type Verdict struct {
	Health autoscaling.Health
	Source autoscaling.HealthSource
	Reason string
}

// Judge says what the health of an instance should be, by what provider,
// balancers and probe last said. A machine that does not run is unhealthy at
// once; the others count after the grace period. A person's report stands until
// a person takes it back.
func Judge(g *autoscaling.Group, i *autoscaling.Instance, now autoscaling.Time) Verdict {
	is := Verdict{i.Health, i.UnhealthySource, i.UnhealthyReason}
	switch {
	case i.State != autoscaling.InService && i.State != autoscaling.Standby:
		return is
	case suspends(g, autoscaling.ProcessHealthCheck):
		return is
	case !i.MachineRunning:
		return Verdict{autoscaling.HealthUnhealthy, autoscaling.SourceProvider, i.HealthMessage}
	case is.Health == autoscaling.HealthUnhealthy && is.Source == autoscaling.SourceReport:
		return is
	case now < i.GraceUntil || i.State == autoscaling.Standby:
		return is
	}
	if says, ok := saysNo(g, i); ok {
		return Verdict{autoscaling.HealthUnhealthy, says, i.HealthMessage}
	}
	return Verdict{Health: autoscaling.HealthHealthy}
}

// saysNo is who, balancer or probe, finds the instance unhealthy.
func saysNo(g *autoscaling.Group, i *autoscaling.Instance) (autoscaling.HealthSource, bool) {
	if checksBy(g, autoscaling.HealthBalancer) {
		for _, b := range i.Balancers {
			if b.State == autoscaling.AttachmentActive && b.Checked && !b.Healthy {
				return autoscaling.SourceBalancer, true
			}
		}
	}
	if Probes(g) && i.ProbeChecked && !i.ProbeHealthy {
		return autoscaling.SourceProbe, true
	}
	return "", false
}

// HealthDue says whether MarkHealth would write, and else when to look again (0:
// when something changes).
func HealthDue(g *autoscaling.Group, i *autoscaling.Instance, now autoscaling.Time) (bool, autoscaling.Time) {
	v := Judge(g, i, now)
	if v.Health != i.Health || (v.Health == autoscaling.HealthUnhealthy && v.Source != i.UnhealthySource) {
		return true, 0
	}
	if i.State == autoscaling.InService && now < i.GraceUntil {
		if _, no := saysNo(g, i); no {
			return false, i.GraceUntil
		}
	}
	return false, 0
}

// MarkHealth makes the instance's health what the facts say.
func (o Operations) MarkHealth(tx *fsm.Tx, group autoscaling.UID, id autoscaling.InstanceID) error {
	g, i := tx.Group(group), live(tx, group, id)
	if g == nil || i == nil {
		return nil
	}
	if due, _ := HealthDue(g, i, tx.Now()); !due {
		return nil
	}
	v := Judge(g, i, tx.Now())
	c := *i
	if v.Health == autoscaling.HealthUnhealthy && i.Health != autoscaling.HealthUnhealthy {
		c.UnhealthySince = tx.Now()
	}
	c.Health, c.UnhealthySource, c.UnhealthyReason = v.Health, v.Source, v.Reason
	message := "healthy"
	if v.Health == autoscaling.HealthUnhealthy {
		message = "unhealthy, says " + string(v.Source) + ": " + v.Reason
	} else {
		c.UnhealthySince = 0
	}
	put(tx, &c)
	tx.Emit(instanceEvent(tx, &c, autoscaling.EventInstanceHealth, message))
	return nil
}
