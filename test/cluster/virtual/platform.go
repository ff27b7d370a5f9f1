package virtual

import (
	"context"
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/scheduler/plan"
)

// platform is what the operations know of the outside: the truth, since it is in
// the same memory.
type platform struct{ w *World }

func (p platform) ValidateTemplate(t *autoscaling.Template) error {
	if t.Provider != CloudName {
		return fmt.Errorf("there is no compute provider %q", t.Provider)
	}
	return p.w.Cloud.ValidateSpec(plan.TemplateSpec(t))
}

func (p platform) Pool(provider, pool string) control.PoolStatus {
	if provider != BalancerName {
		return control.PoolStatus{Problem: fmt.Sprintf("there is no balancer %q", provider)}
	}
	found, err := p.w.Pools.CheckPool(context.Background(), pool)
	return control.PoolStatus{HasHealthCheck: found.HasHealthCheck, Problem: sentence(err)}
}

func (p platform) AccessList(provider, list string) control.ListStatus {
	if provider != ListsName {
		return control.ListStatus{Problem: fmt.Sprintf("there is no access list provider %q", provider)}
	}
	return control.ListStatus{Problem: sentence(p.w.Lists.CheckList(context.Background(), list))}
}

// Machine asks the cloud itself: it is in this process.
func (p platform) Machine(provider, machineID string) control.MachineStatus {
	m, err := p.w.Cloud.Inspect(context.Background(), machineID)
	return plan.Inspected(provider, machineID, m, err)
}

func (p platform) HasCompute(string) bool { return true }

func (p platform) HasMetricSource(string) bool { return false }

func (p platform) Load(autoscaling.InstanceID) (float64, bool) { return 0, false }

// CheckPool and CheckList have nothing to refresh.

func (p platform) CheckPool(_ context.Context, provider, pool string) control.PoolStatus {
	return p.Pool(provider, pool)
}

func (p platform) CheckList(_ context.Context, provider, list string) control.ListStatus {
	return p.AccessList(provider, list)
}

func sentence(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
