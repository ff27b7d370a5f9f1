package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sort"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/integrity"
	"github.com/asctl/as/internal/cluster/peer"
	"github.com/asctl/as/internal/fsm"
)

// Config is what a node is made of. It is not changed after New.
type Config struct {
	NodeID string
	// DataDir holds log, snapshots and lock. Empty: everything in memory.
	DataDir string
	// RaftAddr is listened on, for Raft and for the peer service.
	RaftAddr string
	// AdvertiseRaft is where the others reach RaftAddr. Empty: the initial
	// cluster's address of this node, else the address that is listened on.
	AdvertiseRaft string
	// InitialCluster maps node id to Raft address. It is used once, when there
	// is no data yet; the same on all nodes. Empty: a cluster of this node alone.
	InitialCluster map[string]string
	ClusterName    string // used once, at bootstrap
	// Secrets are what nodes prove themselves with to each other. None: every
	// process that reaches RaftAddr passes for a node.
	Secrets peer.Secrets

	// Record is what this node tells of itself. ID, RaftAddress and UpdateTime
	// are filled in.
	Record autoscaling.Node

	// Lead is the work of a leader: it blocks until ctx ends. When it answers
	// an error before that, leadership is handed to another node. Nil: nothing.
	Lead func(ctx context.Context, leadership Leadership) error

	// Reports are the built-in balancer's reports of this node; ReportsChanged,
	// when given, is signalled when they should be shipped at once.
	Reports        func() []peer.Report
	ReportsChanged <-chan struct{}

	// Parcel takes what another node sent with SendParcel and returns the reply.
	// Nil: none is taken.
	Parcel func(from string, parcel []byte) []byte

	Logger  hclog.Logger          // nil: none
	Metrics prometheus.Registerer // nil: none
	IDs     fsm.IDs               // nil: random ones

	// Clock is the wall clock. Nil: time.Now. Tests give a skewed one.
	Clock func() time.Time
	// Network makes listeners and connections. Nil: TCP.
	Network Network
	// Storage replaces DataDir; tests keep it over restarts.
	Storage *Storage
	// Exit ends the process with a sentence, at once: it is called when Raft meets
	// damaged data and must not see another line of its code. Nil: the sentence on
	// standard error, and status 1.
	Exit func(error)
	// DiskTimeout is how long one access to the disk may take before this node
	// takes no part in the cluster until it has returned. 0: three seconds.
	DiskTimeout time.Duration
	// Resources tells what the node may run short of. Nil: what the process has.
	Resources func() Resources
	// DigestEvery is how often a leader has all nodes compare digests of their
	// states. 0: ten minutes.
	DigestEvery time.Duration
	// Pace stretches the intervals and time-outs of Raft and of the peer service
	// alike: tests of hours in virtual time need not count every heartbeat. 0: 1.
	Pace int
}

// Network makes the connections of a node.
type Network interface {
	Listen(address string) (net.Listener, error)
	Dial(ctx context.Context, address string) (net.Conn, error)
}

// Storage is where Raft keeps its log, its votes and its snapshots.
type Storage struct {
	Logs      raft.LogStore
	Stable    raft.StableStore
	Snapshots raft.SnapshotStore
	// Identity is the node's. Nil: one that ends with the run.
	Identity IdentityStore
}

// MemoryStorage is an empty Storage in memory.
func MemoryStorage() *Storage {
	s := &Storage{Identity: new(memoryIdentity)}
	s.clear()
	return s
}

// clear makes a storage in memory empty, except for the identity.
func (s *Storage) clear() {
	store := raft.NewInmemStore()
	s.Logs, s.Stable, s.Snapshots = store, store, raft.NewInmemSnapshotStore()
}

// sealed returns the storage with entries that carry checksums.
func (s *Storage) sealed(damaged func(error)) *Storage {
	return &Storage{Logs: &integrity.Log{LogStore: s.Logs, Damaged: damaged}, Stable: s.Stable, Snapshots: s.Snapshots, Identity: s.Identity}
}

func exitProcess(err error) {
	fmt.Fprintln(os.Stderr, "asserver:", err)
	os.Exit(1)
}

// check refuses what cannot work, and fills in the defaults.
func (c *Config) check() error {
	if c.NodeID == "" {
		return errors.New("no node id")
	}
	if c.RaftAddr == "" {
		return errors.New("no raft address")
	}
	if c.AdvertiseRaft == "" {
		c.AdvertiseRaft = c.InitialCluster[c.NodeID]
	}
	if c.AdvertiseRaft == "" {
		c.AdvertiseRaft = c.RaftAddr
	}
	if c.ClusterName == "" {
		c.ClusterName = "main"
	}
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	if c.IDs == nil {
		c.IDs = RandomIDs{}
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Network == nil {
		c.Network = tcp{}
	}
	if c.Exit == nil {
		c.Exit = exitProcess
	}
	c.Pace = max(c.Pace, 1)
	if c.DiskTimeout == 0 {
		c.DiskTimeout = defaultDiskTimeout
	}
	if c.DigestEvery == 0 {
		c.DigestEvery = defaultDigestEvery
	}
	if c.Lead == nil {
		c.Lead = func(ctx context.Context, _ Leadership) error { <-ctx.Done(); return nil }
	}
	return nil
}

// checkInitialCluster is for a first start; later the initial cluster is ignored.
func (c *Config) checkInitialCluster() error {
	if len(c.InitialCluster) == 0 {
		return nil
	}
	own, ok := c.InitialCluster[c.NodeID]
	if !ok {
		return fmt.Errorf("node id %q is not in the initial cluster %v", c.NodeID, c.initialIDs())
	}
	if c.AdvertiseRaft != own {
		return fmt.Errorf("the initial cluster has node %q at %s, but it advertises %s", c.NodeID, own, c.AdvertiseRaft)
	}
	used := map[string]string{}
	for _, id := range c.initialIDs() {
		address := c.InitialCluster[id]
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("initial cluster: address of %q: %w", id, err)
		}
		if other, twice := used[address]; twice {
			return fmt.Errorf("initial cluster: %q and %q have the same address %s", other, id, address)
		}
		used[address] = id
	}
	return nil
}

func (c *Config) initialIDs() []string {
	ids := make([]string, 0, len(c.InitialCluster))
	for id := range c.InitialCluster {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}
