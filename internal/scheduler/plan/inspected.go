package plan

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/providers"
)

// Inspected is what a provider's answer about a machine says to the operations.
func Inspected(provider, machineID string, m providers.Machine, err error) control.MachineStatus {
	if err != nil {
		s := control.MachineStatus{Reason: autoscaling.DependencyMissing, Problem: "provider " + provider + ": " + err.Error()}
		switch providers.ClassOf(err) {
		case providers.NotFound:
			s.Reason, s.Problem = autoscaling.NotFound, "provider "+provider+" has no machine "+machineID+": "+err.Error()
		case providers.Conflict:
			s.Reason, s.Problem = autoscaling.InUse, err.Error()
		case providers.Unauthorized:
			s.Reason, s.Problem = autoscaling.PermissionDenied, err.Error()
		}
		return s
	}
	return control.MachineStatus{
		ID: m.ID, Zone: m.Zone, Addresses: m.Addresses, CreateTime: autoscaling.TimeOf(m.CreateTime),
		Running: m.State == providers.MachineRunning, Cluster: m.Cluster, Instance: autoscaling.InstanceID(m.Instance),
	}
}
