package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// HealthReport is a change of a balancer's, or the probe's, opinion of an
// instance. Only changes are reported: samples stay out of the log.
type HealthReport struct {
	Group    autoscaling.UID
	Instance autoscaling.InstanceID
	Provider string // of the balancer; empty: the service's own probe
	Pool     string
	Healthy  bool
	Message  string
}

// ReportTargetHealth records a balancer's opinion. Whether it counts (the grace
// period, the group's health types) is decided by the next pass.
func (o Operations) ReportTargetHealth(tx *fsm.Tx, r HealthReport) error {
	i := live(tx, r.Group, r.Instance)
	if i == nil {
		return nil
	}
	c := *i
	changed := changeBalancer(&c, r.Provider, r.Pool, func(b *autoscaling.BalancerAttachment) bool {
		if b.State != autoscaling.AttachmentActive || (b.Checked && b.Healthy == r.Healthy) {
			return false
		}
		b.Checked, b.Healthy = true, r.Healthy
		return true
	})
	if changed {
		heard(tx, &c, r)
	}
	return nil
}

// ReportProbe records the opinion of the service's own probe.
func (o Operations) ReportProbe(tx *fsm.Tx, r HealthReport) error {
	i := live(tx, r.Group, r.Instance)
	if i == nil || (i.ProbeChecked && i.ProbeHealthy == r.Healthy) {
		return nil
	}
	c := *i
	c.ProbeChecked, c.ProbeHealthy = true, r.Healthy
	heard(tx, &c, r)
	return nil
}

func heard(tx *fsm.Tx, c *autoscaling.Instance, r HealthReport) {
	if !r.Healthy && !c.Stopped { // of a machine that ended the provider has said why
		c.HealthMessage = r.Message
	}
	if at(c, autoscaling.PendingProceed, autoscaling.StepCheck) && checked(tx.Group(c.Group), c) {
		finishStep(tx, c, "")
		return
	}
	put(tx, c)
}
