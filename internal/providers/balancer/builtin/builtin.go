// Package builtin is the load balancer that is part of the server: every node
// that lists a pool serves it, on its own address, from the state that it has
// applied. Traffic therefore depends on no leader.
//
// Three things meet here. Server is each node's data plane: it is fed target
// sets and reports what it applied and how many requests are open. Checker is
// the leader's health check. Balancer is providers.Balancer for the leader's
// scheduler: it waits for the nodes' reports and never touches traffic.
//
// A client of a pool sees no failed request when targets come, drain and are
// stopped: a target that drains gets nothing new from the moment that a node
// reports the index, what cannot be connected to is tried elsewhere, and
// idempotent requests without a body are repeated when a target dies.
package builtin

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Mode is what a pool speaks.
type Mode string

const (
	ModeHTTP Mode = "http"
	ModeTCP  Mode = "tcp"
)

// PoolConfig is one pool. Listen is where this node serves it.
type PoolConfig struct {
	Listen         string // host:port
	Mode           Mode   // default http
	HealthCheck    HealthCheck
	MaxConnections int // of clients; default 20,000
	// MaxPerSource bounds the connections from one address; default half of
	// MaxConnections, so that one client cannot take them all.
	MaxPerSource int
}

// HealthCheck says when a target is healthy. It is made against the port that
// the target serves on.
type HealthCheck struct {
	HTTP               string        // a path that answers 2xx or 3xx; empty: the port accepts connections
	Interval           time.Duration // default 2 s
	Timeout            time.Duration // of one check, default 1 s
	HealthyThreshold   int           // successes in a row after having been unhealthy, default 2; the first one ever is enough
	UnhealthyThreshold int           // failures in a row, default 2
}

// DefaultMaxConnections is what a pool may have open when its settings say
// nothing.
const DefaultMaxConnections = 20_000

const (
	defaultInterval  = 2 * time.Second
	defaultTimeout   = time.Second
	defaultThreshold = 2
)

var poolName = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// checkPools answers the pools with defaults filled in.
func checkPools(pools map[string]PoolConfig) (map[string]PoolConfig, error) {
	checked := make(map[string]PoolConfig, len(pools))
	var wrong []error
	for _, name := range sortedKeys(pools) {
		config := pools[name].withDefaults()
		if !poolName.MatchString(name) {
			wrong = append(wrong, fmt.Errorf("pool %q: not a valid name", name))
		}
		if err := config.validate(); err != nil {
			wrong = append(wrong, fmt.Errorf("pool %s: %w", name, err))
		}
		checked[name] = config
	}
	return checked, errors.Join(wrong...)
}

func (c PoolConfig) withDefaults() PoolConfig {
	c.Mode = cmp.Or(c.Mode, ModeHTTP)
	c.MaxConnections = cmp.Or(c.MaxConnections, DefaultMaxConnections)
	c.MaxPerSource = cmp.Or(c.MaxPerSource, max(c.MaxConnections/2, 1))
	h := &c.HealthCheck
	h.Interval = cmp.Or(h.Interval, defaultInterval)
	h.Timeout = cmp.Or(h.Timeout, defaultTimeout)
	h.HealthyThreshold = cmp.Or(h.HealthyThreshold, defaultThreshold)
	h.UnhealthyThreshold = cmp.Or(h.UnhealthyThreshold, defaultThreshold)
	return c
}

func (c PoolConfig) validate() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen %q is not host:port", c.Listen)
	}
	h := c.HealthCheck
	switch {
	case c.Mode != ModeHTTP && c.Mode != ModeTCP:
		return fmt.Errorf("mode %q is neither %s nor %s", c.Mode, ModeHTTP, ModeTCP)
	case c.MaxConnections < 0:
		return errors.New("max-connections is negative")
	case c.MaxPerSource < 0:
		return errors.New("max-connections-per-source is negative")
	case h.HTTP != "" && !strings.HasPrefix(h.HTTP, "/"):
		return fmt.Errorf("health-check path %q does not begin with /", h.HTTP)
	case h.Interval < 0 || h.Timeout < 0 || h.HealthyThreshold < 0 || h.UnhealthyThreshold < 0:
		return errors.New("health-check: a duration or threshold is negative")
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
