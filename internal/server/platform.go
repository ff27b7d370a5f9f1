package server

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/metrics"
	"github.com/asctl/as/internal/rpc"
	"github.com/asctl/as/internal/scheduler/plan"
)

// platform is what this node knows of the world outside, for the operations: it
// answers from memory. CheckPool and CheckList refresh what it knows; what was
// never looked at is taken to be usable, so that a new leader does not refuse
// for want of knowledge.
type platform struct {
	outside *outside
	samples *metrics.Store

	mu    sync.RWMutex
	pools map[[2]string]control.PoolStatus // by provider and pool
	lists map[[2]string]control.ListStatus
	// machines were looked at for a request that is about to be decided.
	machines map[rpc.MachineRef]lookedAt
}

func newPlatform(o *outside, samples *metrics.Store) *platform {
	return &platform{
		outside: o, samples: samples, pools: map[[2]string]control.PoolStatus{}, lists: map[[2]string]control.ListStatus{},
		machines: map[rpc.MachineRef]lookedAt{},
	}
}

// ValidateTemplate asks the provider itself; its check looks at nothing remote.
func (p *platform) ValidateTemplate(t *autoscaling.Template) error {
	compute, ok := p.outside.compute[t.Provider]
	if !ok {
		return fmt.Errorf("there is no compute provider %q", t.Provider)
	}
	return compute.ValidateSpec(plan.TemplateSpec(t))
}

func (p *platform) HasCompute(provider string) bool { return p.outside.compute[provider] != nil }

func (p *platform) Pool(provider, pool string) control.PoolStatus {
	if _, ok := p.outside.balancers[provider]; !ok {
		return control.PoolStatus{Problem: fmt.Sprintf("there is no balancer %q", provider)}
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	if s, looked := p.pools[[2]string{provider, pool}]; looked {
		return s
	}
	return control.PoolStatus{HasHealthCheck: true}
}

func (p *platform) AccessList(provider, list string) control.ListStatus {
	if _, ok := p.outside.accessLists[provider]; !ok {
		return control.ListStatus{Problem: fmt.Sprintf("there is no access list provider %q", provider)}
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.lists[[2]string{provider, list}]
}

// HasMetricSource knows the two that always exist.
func (p *platform) HasMetricSource(name string) bool { return name == "provider" || name == "push" }

// Load is what the last measurements said of an instance.
func (p *platform) Load(id autoscaling.InstanceID) (percent float64, known bool) {
	return p.samples.Load(id)
}

// CheckPool asks the balancer about a pool, and remembers the answer.
func (p *platform) CheckPool(ctx context.Context, provider, pool string) control.PoolStatus {
	balancer, ok := p.outside.balancers[provider]
	if !ok {
		return p.Pool(provider, pool)
	}
	found, err := balancer.CheckPool(ctx, pool)
	if ctx.Err() != nil {
		return p.Pool(provider, pool) // we ran out of time: that says nothing of the pool
	}
	status := control.PoolStatus{HasHealthCheck: found.HasHealthCheck, Problem: problem(err)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pools[[2]string{provider, pool}] = status
	return status
}

// CheckList asks the provider about an access list, and remembers the answer.
func (p *platform) CheckList(ctx context.Context, provider, list string) control.ListStatus {
	access, ok := p.outside.accessLists[provider]
	if !ok {
		return p.AccessList(provider, list)
	}
	err := access.CheckList(ctx, list)
	if ctx.Err() != nil {
		return p.AccessList(provider, list)
	}
	status := control.ListStatus{Problem: problem(err)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lists[[2]string{provider, list}] = status
	return status
}

func problem(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// lookTimeout bounds what a request waits for the world outside.
const lookTimeout = 2 * time.Second

// Look refreshes what a request depends on.
func (p *platform) Look(ctx context.Context, d rpc.Dependencies) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	for _, b := range d.Balancers {
		p.CheckPool(ctx, b.Provider, b.Pool)
	}
	for _, l := range d.AccessLists {
		p.CheckList(ctx, l.Provider, l.List)
	}
	p.lookAtMachines(ctx, d.Machines)
}
