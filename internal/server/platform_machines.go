package server

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/rpc"
	"github.com/asctl/as/internal/scheduler/plan"
)

// lookedAt is what a provider said of a machine, and when.
type lookedAt struct {
	status control.MachineStatus
	time   time.Time
}

// machineMemory is for how long a look at a machine counts. The request that it
// was made for is decided within a moment; any later one looks again.
const machineMemory = 10 * time.Second

// machineLookers is how many machines of a request are looked at at a time.
const machineLookers = 8

// Machine is what the last look said. Unlike a pool, a machine that was not
// looked at cannot be attached: nothing is known of it.
func (p *platform) Machine(provider, machineID string) control.MachineStatus {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if seen, ok := p.machines[rpc.MachineRef{Provider: provider, MachineID: machineID}]; ok && time.Since(seen.time) < machineMemory {
		return seen.status
	}
	return control.MachineStatus{
		Reason: autoscaling.DependencyMissing, Problem: fmt.Sprintf("provider %q has not answered what machine %s is", provider, machineID),
	}
}

// lookAtMachines asks the providers about machines that are to be attached.
func (p *platform) lookAtMachines(ctx context.Context, refs []rpc.MachineRef) {
	var looking sync.WaitGroup
	tickets := make(chan struct{}, machineLookers)
	for _, ref := range refs {
		tickets <- struct{}{}
		looking.Go(func() {
			defer func() { <-tickets }()
			p.lookAtMachine(ctx, ref)
		})
	}
	looking.Wait()
}

func (p *platform) lookAtMachine(ctx context.Context, ref rpc.MachineRef) {
	m, err := p.inspect(ctx, ref)
	m = m.Clean()
	if ctx.Err() != nil {
		return // we ran out of time: that says nothing of the machine
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for old, seen := range p.machines {
		if now.Sub(seen.time) >= machineMemory {
			delete(p.machines, old)
		}
	}
	p.machines[ref] = lookedAt{plan.Inspected(ref.Provider, ref.MachineID, m, err), now}
}

func (p *platform) inspect(ctx context.Context, ref rpc.MachineRef) (m providers.Machine, err error) {
	defer func() {
		if v := recover(); v != nil { // it ends the look, not the node
			err = providers.Errorf(providers.Unavailable, "internal error while looking at the machine: %v", v)
		}
	}()
	compute, ok := p.outside.compute[ref.Provider]
	if !ok {
		return providers.Machine{}, providers.Errorf(providers.Unavailable, "there is no compute provider %q", ref.Provider)
	}
	adopter, ok := compute.(providers.Adopter)
	if !ok {
		return providers.Machine{}, providers.Errorf(providers.Unavailable, "it takes no machines over")
	}
	return adopter.Inspect(ctx, ref.MachineID)
}
