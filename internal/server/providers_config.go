package server

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"github.com/asctl/as/internal/providers/compute/sim"
)

// Providers are the named ways to the outside world, as in the configuration
// file: name → type and settings.
type Providers struct {
	Compute    map[string]Compute    `json:"compute,omitempty" yaml:"compute"`
	Balancer   map[string]Balancer   `json:"balancer,omitempty" yaml:"balancer"`
	AccessList map[string]AccessList `json:"access-list,omitempty" yaml:"access-list"`
}

// Compute is one compute provider; exactly the member of its type is set.
type Compute struct {
	Process *ProcessSettings `json:"process,omitempty"`
	Sim     *SimSettings     `json:"sim,omitempty"`
}

// ProcessSettings are those of type "process": local processes.
type ProcessSettings struct {
	Directory   string `json:"-" yaml:"directory"`               // shared by the nodes of a host
	AddressPool string `json:"address-pool" yaml:"address-pool"` // CIDR that instances get addresses from
	RunAs       string `json:"run-as,omitempty" yaml:"run-as"`   // "user" or "user:group" of instances; empty: asserver's
}

// SimSettings are those of type "sim": a simulated cloud.
type SimSettings struct {
	LaunchDelay    time.Duration  `json:"launch-delay,omitempty" yaml:"launch-delay"`
	TerminateDelay time.Duration  `json:"terminate-delay,omitempty" yaml:"terminate-delay"`
	FailureRate    float64        `json:"failure-rate,omitempty" yaml:"failure-rate"`   // 0 to 1, of launches
	ZoneCapacity   map[string]int `json:"zone-capacity,omitempty" yaml:"zone-capacity"` // zones not named are unlimited
	Seed           uint64         `json:"seed,omitempty" yaml:"seed"`                   // of the failures
	Machines       []string       `json:"machines,omitempty" yaml:"machines"`           // "id" or "id@zone": machines to attach, nobody's at first
	Directory      string         `json:"-" yaml:"directory"`                           // empty: in memory, single node only
}

// Balancer is one load balancer provider.
type Balancer struct {
	Builtin *BuiltinSettings `json:"builtin,omitempty"`
}

// BuiltinSettings are those of type "builtin": served by the nodes themselves.
type BuiltinSettings struct {
	Pools map[string]PoolSettings `json:"pools" yaml:"pools"`
}

// PoolSettings are those of one pool.
type PoolSettings struct {
	Listen      string               `json:"-" yaml:"listen"` // this node's listener
	Mode        string               `json:"mode" yaml:"mode"`
	HealthCheck *HealthCheckSettings `json:"health-check,omitempty" yaml:"health-check"` // nil: TCP connect with the defaults

	// Of this node's listener; 0: the default. No more than what file descriptors allow.
	MaxConnections          int `json:"-" yaml:"max-connections"`            // default 20,000
	MaxConnectionsPerSource int `json:"-" yaml:"max-connections-per-source"` // default half of it
}

// HealthCheckSettings say how the leader checks a pool's targets.
type HealthCheckSettings struct {
	HTTP               string        `json:"http,omitempty" yaml:"http"` // a path; 2xx and 3xx are healthy. Empty: TCP connect
	Interval           time.Duration `json:"interval,omitempty" yaml:"interval"`
	Timeout            time.Duration `json:"timeout,omitempty" yaml:"timeout"`
	HealthyThreshold   int           `json:"healthy-threshold,omitempty" yaml:"healthy-threshold"`
	UnhealthyThreshold int           `json:"unhealthy-threshold,omitempty" yaml:"unhealthy-threshold"`
}

// AccessList is one access list provider.
type AccessList struct {
	File *FileSettings `json:"file,omitempty"`
}

// FileSettings are those of type "file".
type FileSettings struct {
	Directory     string `json:"-" yaml:"directory"`
	ReloadCommand string `json:"reload-command,omitempty" yaml:"reload-command"` // run after each change
}

func (p *Providers) validate(severalNodes bool) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("providers."+format, args...)) }

	for _, name := range slices.Sorted(maps.Keys(p.Compute)) {
		if !idPattern.MatchString(name) {
			wrong("compute.%s: the name is not an id", name)
		}
		switch c := p.Compute[name]; {
		case c.Process != nil:
			if c.Process.Directory == "" {
				wrong("compute.%s.directory: required", name)
			}
			if prefix, err := netip.ParsePrefix(c.Process.AddressPool); err != nil || !prefix.Addr().Is4() {
				wrong("compute.%s.address-pool: %q is not an IPv4 network such as 127.77.0.0/16", name, c.Process.AddressPool)
			}
		case c.Sim != nil:
			if c.Sim.FailureRate < 0 || c.Sim.FailureRate > 1 {
				wrong("compute.%s.failure-rate: %v is not between 0 and 1", name, c.Sim.FailureRate)
			}
			if c.Sim.LaunchDelay < 0 || c.Sim.TerminateDelay < 0 {
				wrong("compute.%s: delays are not negative", name)
			}
			if err := (sim.Config{Machines: c.Sim.Machines}).Validate(); err != nil {
				wrong("compute.%s.%w", name, err)
			}
			if c.Sim.Directory == "" && severalNodes {
				wrong("compute.%s.directory: required with several nodes: without it the machines are lost with a leader", name)
			}
		default:
			wrong("compute.%s.type: required", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Balancer)) {
		b := p.Balancer[name].Builtin
		if b == nil {
			wrong("balancer.%s.type: required", name)
			continue
		}
		for _, pool := range slices.Sorted(maps.Keys(b.Pools)) {
			s := b.Pools[pool]
			if !idPattern.MatchString(pool) {
				wrong("balancer.%s.pools.%s: the name is not an id", name, pool)
			}
			if _, _, err := net.SplitHostPort(s.Listen); s.Listen != "" && err != nil {
				wrong("balancer.%s.pools.%s.listen: %w", name, pool, err)
			}
			if s.Mode != "http" && s.Mode != "tcp" {
				wrong("balancer.%s.pools.%s.mode: %q is neither http nor tcp", name, pool, s.Mode)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.AccessList)) {
		if f := p.AccessList[name].File; f == nil {
			wrong("access-list.%s.type: required", name)
		} else if f.Directory == "" {
			wrong("access-list.%s.directory: required", name)
		}
	}
	return errors.Join(errs...)
}

// Resolve makes relative paths relative to dir, the configuration file's.
func (p *Providers) Resolve(dir string) {
	resolve := func(path *string) {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	for _, c := range p.Compute {
		if c.Process != nil {
			resolve(&c.Process.Directory)
		}
		if c.Sim != nil {
			resolve(&c.Sim.Directory)
		}
	}
	for _, a := range p.AccessList {
		if a.File != nil {
			resolve(&a.File.Directory)
		}
	}
}

// Digest is equal on nodes whose providers mean the same; listen addresses and
// directories are each node's own.
func (p *Providers) Digest() string {
	canonical, err := json.Marshal(p) // maps are sorted
	if err != nil {
		panic(err) // plain data always encodes
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:8])
}
