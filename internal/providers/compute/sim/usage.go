package sim

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/asctl/as/internal/providers"
)

// usage is what a machine pretends to use, in percent; negative: not stated.
type usage struct {
	cpu    float32
	memory float32
	load   float32 // of the whole group, shared by its running machines
}

var noUsage = usage{cpu: -1, memory: -1, load: -1}

// settings are the provider_config of a configuration.
type settings struct {
	CPU    *float32 `json:"cpu"`    // percent of each machine
	Memory *float32 `json:"memory"` // percent of each machine
	Load   *float32 `json:"load"`   // percent that the group's running machines share
}

// The environment says the same as provider_config, and wins.
const (
	envCPU    = "AS_SIM_CPU"
	envMemory = "AS_SIM_MEMORY"
	envLoad   = "AS_SIM_LOAD"
)

// ValidateSpec checks what this cloud looks at: names and pretended usage.
func (c *Cloud) ValidateSpec(spec providers.MachineSpec) error {
	_, err := usageOf(spec)
	return err
}

func usageOf(spec providers.MachineSpec) (usage, error) {
	var s settings
	if len(spec.Config) > 0 {
		d := json.NewDecoder(bytes.NewReader(spec.Config))
		d.DisallowUnknownFields()
		if err := d.Decode(&s); err != nil {
			return noUsage, providers.Errorf(providers.InvalidConfiguration, "provider_config of sim takes cpu, memory and load, in percent: %w", err)
		}
	}
	use := noUsage
	for _, field := range []struct {
		to    *float32
		from  *float32
		env   string
		limit float32
	}{
		{&use.cpu, s.CPU, envCPU, 1e5},
		{&use.memory, s.Memory, envMemory, 100},
		{&use.load, s.Load, envLoad, 1e9},
	} {
		if field.from != nil {
			*field.to = *field.from
		}
		if text, ok := spec.Env[field.env]; ok {
			n, err := strconv.ParseFloat(text, 32)
			if err != nil {
				return noUsage, providers.Errorf(providers.InvalidConfiguration, "%s=%q is not a number", field.env, text)
			}
			*field.to = float32(n)
		} else if field.from == nil {
			continue
		}
		if v := *field.to; !(v >= 0 && v <= field.limit) {
			return noUsage, providers.Errorf(providers.InvalidConfiguration, "%s is %v: want 0 to %v percent", field.env, v, field.limit)
		}
	}
	return use, nil
}

// SetUsage changes what a machine pretends to use; negative: not stated.
func (c *Cloud) SetUsage(instance string, cpu, memory float64) error {
	return c.do(context.Background(), func(t *table, _ int64) error {
		m := t.machines[instance]
		if m == nil {
			return providers.Errorf(providers.NotFound, "no machine was made for instance %s", instance)
		}
		g := *m.tag
		g.usage.cpu, g.usage.memory = float32(cpu), float32(memory)
		m.tag = t.tag(g)
		t.save(m)
		return nil
	})
}

// SetLoad changes the load that the running machines of a group share.
func (c *Cloud) SetLoad(group string, percent float64) error {
	return c.do(context.Background(), func(t *table, _ int64) error {
		for _, m := range t.order {
			if m.group == group && m.usage.load != float32(percent) {
				g := *m.tag
				g.usage.load = float32(percent)
				m.tag = t.tag(g)
				t.save(m)
			}
		}
		return nil
	})
}

// Usage answers for the running machines. A machine of which nothing is stated
// is idle. The load of a group is what its newest machine states, so that a new
// configuration changes it.
func (c *Cloud) Usage(ctx context.Context, cluster string) ([]providers.Usage, error) {
	if err := c.enter(ctx, OpUsage, "", ""); err != nil {
		return nil, err
	}
	usages, err := ask(ctx, c, func(t *table, now int64) ([]providers.Usage, error) {
		return t.usages(now, cluster), nil
	})
	slices.SortFunc(usages, func(a, b providers.Usage) int { return cmp.Compare(a.Instance, b.Instance) })
	return answered(c, OpUsage, "", "", usages, err)
}

func (t *table) usages(now int64, cluster string) []providers.Usage {
	type shared struct {
		running int
		load    float32
		newest  int64
	}
	groups := make(map[string]shared)
	var running []*machine
	for _, m := range t.order {
		if m.cluster != cluster || m.state(now) != providers.MachineRunning {
			continue
		}
		running = append(running, m)
		g := groups[m.group]
		if g.running++; m.created >= g.newest {
			g.load, g.newest = m.usage.load, m.created
		}
		groups[m.group] = g
	}
	usages := make([]providers.Usage, 0, len(running))
	for _, m := range running {
		u := providers.Usage{Instance: m.instance, CPUPercent: float64(m.usage.cpu), MemoryPercent: float64(m.usage.memory), Time: time.Unix(0, now).UTC()}
		if m.usage.cpu < 0 {
			g := groups[m.group]
			u.CPUPercent = float64(max(0, g.load)) / float64(g.running)
		}
		usages = append(usages, u)
	}
	return usages
}
