// Package server is the composition root: it builds a node out of the state,
// the cluster, the scheduler, the providers and the API, runs it, and stops it
// in order. It is the only package that knows all the others, and decides
// nothing itself.
package server

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Config is all that a node is told. It is immutable after New.
type Config struct {
	Dev         bool   // one node, in memory unless DataDir is set
	NodeID      string // unique in the cluster, [a-z]([a-z0-9-]{0,61}[a-z0-9])?
	DataDir     string // empty only with Dev
	ClusterName string // part of every ARI; fixed at bootstrap

	GRPCAddr, HTTPAddr, RaftAddr                            string // host:port to listen on
	AdvertiseGRPCAddr, AdvertiseHTTPAddr, AdvertiseRaftAddr string // what others dial; empty: the listen address

	// HTTPHosts are the names by which HTTP callers reach this node, besides
	// localhost, IP addresses and the names in HTTPAddr and AdvertiseHTTPAddr.
	HTTPHosts []string

	// WebhookAllow are prefixes of addresses that webhooks may go to although they
	// are refused otherwise, such as 127.0.0.0/8.
	WebhookAllow []string

	// MaxConnections bounds the connections to each of the gRPC and HTTP
	// listeners, MaxConnectionsPerSource those from one address; 0: half of
	// MaxConnections. There are never more than file descriptors allow, less a
	// reserve.
	MaxConnections, MaxConnectionsPerSource int

	// DiskTimeout is how long one access to the data directory may take before
	// this node takes no part in the cluster until it has returned.
	DiskTimeout time.Duration

	// InitialCluster has the Raft address of every node that the cluster starts
	// with, by id. It is ignored once the data directory has data.
	InitialCluster map[string]string

	// ClusterSecret is where the secret is that the nodes prove themselves with
	// to each other.
	ClusterSecret SecretSource

	// Insecure allows listening beyond loopback without TLS.
	Insecure bool

	Providers Providers

	temporary string // directory made by PrepareDev, removed when the node ends
}

// DefaultConfig is the configuration that flags, environment and file change.
func DefaultConfig() Config {
	return Config{
		ClusterName: "main",
		GRPCAddr:    "127.0.0.1:7400",
		HTTPAddr:    "127.0.0.1:7480",
		RaftAddr:    "127.0.0.1:7490",

		MaxConnections: 4096,
		DiskTimeout:    3 * time.Second,
	}
}

// Below half a second a disk that is only busy would count as hanging.
const (
	minDiskTimeout = 500 * time.Millisecond
	maxDiskTimeout = 60 * time.Second
)

var idPattern = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

var hostPattern = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?$`)

// httpHosts are the names that requests to this node may have as their Host.
func (c *Config) httpHosts() []string {
	hosts := slices.Clone(c.HTTPHosts)
	for _, address := range []string{c.HTTPAddr, c.AdvertiseHTTPAddr} {
		if host, _, err := net.SplitHostPort(address); err == nil && host != "" {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// ParseHosts reads "name,name".
func ParseHosts(text string) []string {
	var hosts []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			hosts = append(hosts, part)
		}
	}
	return hosts
}

// Validate says everything that is wrong with the configuration, one error a
// line, each naming the key.
func (c *Config) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if !idPattern.MatchString(c.NodeID) {
		wrong("node-id: %q is not an id: lower-case letters, digits and hyphens, starting with a letter, at most 63", c.NodeID)
	}
	if !idPattern.MatchString(c.ClusterName) {
		wrong("cluster-name: %q is not an id: lower-case letters, digits and hyphens, starting with a letter, at most 63", c.ClusterName)
	}
	if c.DataDir == "" && !c.Dev {
		wrong("data-dir: required, unless with --dev")
	}
	for _, listen := range []struct{ key, address string }{
		{"grpc-addr", c.GRPCAddr}, {"http-addr", c.HTTPAddr},
	} {
		if err := checkListen(listen.address, c.Insecure); err != nil {
			wrong("%s: %w", listen.key, err)
		}
	}
	if _, _, err := net.SplitHostPort(c.RaftAddr); err != nil {
		wrong("raft-addr: %w", err)
	} else if err := c.checkSecret(); err != nil {
		errs = append(errs, err)
	}
	for _, advertise := range []struct{ key, address string }{
		{"advertise-grpc-addr", c.AdvertiseGRPCAddr}, {"advertise-http-addr", c.AdvertiseHTTPAddr}, {"advertise-raft-addr", c.AdvertiseRaftAddr},
	} {
		if _, _, err := net.SplitHostPort(advertise.address); advertise.address != "" && err != nil {
			wrong("%s: %w", advertise.key, err)
		}
	}
	if c.MaxConnections < 1 {
		wrong("max-connections: must be at least 1, not %d", c.MaxConnections)
	}
	if c.MaxConnectionsPerSource < 0 {
		wrong("max-connections-per-source: must be at least 1, or 0 for half of max-connections, not %d", c.MaxConnectionsPerSource)
	}
	if c.DiskTimeout < minDiskTimeout || c.DiskTimeout > maxDiskTimeout {
		wrong("disk-timeout: must be from %s to %s, not %s", minDiskTimeout, maxDiskTimeout, c.DiskTimeout)
	}
	for _, host := range c.HTTPHosts {
		if !hostPattern.MatchString(host) {
			wrong("http-hosts: %q is not a host name; give names without scheme and port, e.g. as.example.net", host)
		}
	}
	if _, err := c.webhookAllow(); err != nil {
		errs = append(errs, err)
	}
	for id, address := range c.InitialCluster {
		if !idPattern.MatchString(id) {
			wrong("initial-cluster: %q is not a node id", id)
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			wrong("initial-cluster: %s: %w", id, err)
		}
	}
	switch {
	case c.Dev && len(c.InitialCluster) > 1:
		wrong("initial-cluster: --dev is one node")
	case len(c.InitialCluster) > 0 && c.InitialCluster[c.NodeID] == "":
		wrong("initial-cluster: this node, %s, is not in it", c.NodeID)
	case len(c.InitialCluster) == 0 && !c.Dev:
		wrong("initial-cluster: required, e.g. %s=%s", c.NodeID, c.RaftAddr)
	}
	if err := c.Providers.validate(len(c.InitialCluster) > 1); err != nil {
		errs = append(errs, err)
	}
	slices.SortStableFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// checkListen refuses addresses that nothing can listen on, and those beyond
// loopback, since callers are not authenticated and nothing is encrypted yet.
func checkListen(address string, insecure bool) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return err
	}
	if !insecure && !isLoopback(address) {
		return fmt.Errorf("%s is not a loopback address: without TLS the server listens beyond loopback only with --insecure", address)
	}
	return nil
}

func (c *Config) initialAddresses() []string {
	return slices.Sorted(maps.Values(c.InitialCluster))
}

// ParseInitialCluster reads "n1=host:port,n2=host:port".
func ParseInitialCluster(text string) (map[string]string, error) {
	nodes := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		id, address, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("initial-cluster: %q is not ID=HOST:PORT", part)
		}
		if nodes[id] != "" {
			return nil, fmt.Errorf("initial-cluster: %s is there twice", id)
		}
		nodes[id] = address
	}
	return nodes, nil
}
