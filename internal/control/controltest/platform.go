package controltest

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
)

// Platform knows the compute provider "sim", the pool "web" of balancer "edge"
// with a health check, the list "db" of "files" and the metric source "prom";
// tests change what it knows.
type Platform struct {
	Compute map[string]error // by provider: why its templates are refused
	Pools   map[string]control.PoolStatus
	Lists   map[string]control.ListStatus
	Sources map[string]bool
	Loads   map[autoscaling.InstanceID]float64
	// Machines may be attached, by provider and machine: "sim/m-1". One that is
	// not here is NOT_FOUND.
	Machines map[string]control.MachineStatus
}

// NewPlatform is the one described above.
func NewPlatform() *Platform {
	return &Platform{
		Compute: map[string]error{"sim": nil},
		Pools:   map[string]control.PoolStatus{"edge/web": {HasHealthCheck: true}},
		Lists:   map[string]control.ListStatus{"files/db": {}},
		Sources: map[string]bool{"prom": true},
		Loads:   map[autoscaling.InstanceID]float64{},

		Machines: map[string]control.MachineStatus{},
	}
}

func (p *Platform) ValidateTemplate(t *autoscaling.Template) error {
	err, known := p.Compute[t.Provider]
	if !known {
		return fmt.Errorf("there is no compute provider %q", t.Provider)
	}
	return err
}

func (p *Platform) HasCompute(provider string) bool {
	_, known := p.Compute[provider]
	return known
}

func (p *Platform) Pool(provider, pool string) control.PoolStatus {
	if s, known := p.Pools[provider+"/"+pool]; known {
		return s
	}
	return control.PoolStatus{Problem: "it does not exist"}
}

func (p *Platform) AccessList(provider, list string) control.ListStatus {
	if s, known := p.Lists[provider+"/"+list]; known {
		return s
	}
	return control.ListStatus{Problem: "it does not exist"}
}

func (p *Platform) Machine(provider, machineID string) control.MachineStatus {
	if m, known := p.Machines[provider+"/"+machineID]; known {
		return m
	}
	return control.MachineStatus{Reason: autoscaling.NotFound, Problem: "provider " + provider + " has no machine " + machineID}
}

func (p *Platform) HasMetricSource(name string) bool { return p.Sources[name] }

func (p *Platform) Load(id autoscaling.InstanceID) (float64, bool) {
	load, known := p.Loads[id]
	return load, known
}
