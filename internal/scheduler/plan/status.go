package plan

import (
	"maps"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// PoolStatus is what a balancer said of a pool.
type PoolStatus struct {
	Key      SetKey
	Statuses []providers.TargetStatus
	// HasHealthCheck: UNKNOWN means that no check has ended yet; else nobody checks,
	// and every target counts as healthy.
	HasHealthCheck bool
	// Drains says whether the target was written as draining before the balancer
	// was asked: one that was still open to traffic proves nothing by having no
	// request.
	Drains func(instance string) bool
}

// Heard are the facts that the status is: only changes of opinion, and targets
// that are drained.
func (p *PoolStatus) Heard(v fsm.View) []Fact {
	var facts []Fact
	drained := map[autoscaling.UID][]autoscaling.InstanceID{}
	for _, status := range p.Statuses {
		i := v.FindInstance(autoscaling.InstanceID(status.Instance))
		if i == nil || i.State.Final() {
			continue
		}
		for _, b := range i.Balancers {
			if b.Provider != p.Key.Provider || b.Pool != p.Key.Name {
				continue
			}
			switch b.State {
			case autoscaling.AttachmentActive:
				if f := p.opinion(i, b, status); f != nil {
					facts = append(facts, f)
				}
			case autoscaling.AttachmentDraining:
				if status.OpenRequests == 0 && p.Drains(status.Instance) && !slices.Contains(drained[i.Group], i.ID) {
					drained[i.Group] = append(drained[i.Group], i.ID)
				}
			}
		}
	}
	for _, group := range slices.Sorted(maps.Keys(drained)) {
		r := control.DrainReport{Group: group, Provider: p.Key.Provider, Pool: p.Key.Name, Instances: drained[group]}
		facts = append(facts, func(tx *fsm.Tx, o control.Operations) error { return o.ReportDrained(tx, r) })
	}
	return facts
}

func (p *PoolStatus) opinion(i *autoscaling.Instance, b autoscaling.BalancerAttachment, status providers.TargetStatus) Fact {
	healthy := status.Health == providers.TargetHealthy
	switch {
	case status.Health == providers.TargetUnknown && p.HasHealthCheck:
		return nil // no check has ended yet
	case status.Health == providers.TargetUnknown:
		healthy = true // nobody checks
	}
	if b.Checked && b.Healthy == healthy {
		return nil
	}
	r := control.HealthReport{
		Group: i.Group, Instance: i.ID, Provider: p.Key.Provider, Pool: p.Key.Name, Healthy: healthy, Message: status.Message,
	}
	if !healthy && r.Message == "" {
		r.Message = "pool " + p.Key.Provider + "/" + p.Key.Name + " finds it unhealthy"
	}
	return func(tx *fsm.Tx, o control.Operations) error { return o.ReportTargetHealth(tx, r) }
}
