package cluster

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/integrity"
	"github.com/asctl/as/internal/cluster/peer"
)

// transportTimeout bounds one Raft message; of a snapshot, each 256 KiB of it.
const transportTimeout = 3 * time.Second

// raftConfig has the settings that were measured to be best: fat entries, so
// many in one message; time-outs long enough for a busy machine, since the
// death of a leader's process is detected and not waited for.
func raftConfig(nodeID string, pace int, log hclog.Logger) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(nodeID)
	c.Logger = log
	c.HeartbeatTimeout = time.Second
	c.ElectionTimeout = time.Second
	c.LeaderLeaseTimeout = 500 * time.Millisecond
	// How late, up to twice, a follower learns that the last entry of a burst is
	// committed. Less costs an idle cluster a per cent of a core more.
	c.CommitTimeout = 50 * time.Millisecond
	c.MaxAppendEntries = 1024
	c.BatchApplyCh = true
	c.ShutdownOnRemove = false
	c.TrailingLogs = 2048
	c.SnapshotThreshold = 4096
	c.SnapshotInterval = 30 * time.Second
	c.NoLegacyTelemetry = true
	for _, d := range []*time.Duration{&c.HeartbeatTimeout, &c.ElectionTimeout, &c.LeaderLeaseTimeout, &c.CommitTimeout} {
		*d *= time.Duration(pace)
	}
	return c
}

// startRaft starts Raft on the storage; on an empty one with the initial
// cluster. Corrupt storage is an error, whatever way Raft meets it.
func (n *Node) startRaft(storage *Storage, s *stream) (r *raft.Raft, err error) {
	log := hclog.Logger(calm{n.log.Named("raft")})
	conf := raftConfig(n.cfg.NodeID, n.cfg.Pace, log)
	// After the storage was opened anew the machine has what it had.
	conf.NoSnapshotRestoreOnStart = n.guard.running.Load()
	exists, err := raft.HasExistingState(storage.Logs, storage.Stable, storage.Snapshots)
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	if !exists {
		if err := n.cfg.checkInitialCluster(); err != nil {
			return nil, err
		}
	}
	transport := &transport{peers: n.peers, leads: n.leadsRaft, muted: n.muted, stopped: make(chan struct{})}
	transport.NetworkTransport = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: s, MaxPool: 4, MaxRPCsInFlight: 2, Timeout: transportTimeout, Logger: log,
	})
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("read the log: %v", p)
		}
		if err != nil {
			transport.Close()
		}
	}()
	// A page of the log file that cannot be read is then a panic, not the end of
	// the process.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	if !exists {
		if err := raft.BootstrapCluster(conf, storage.Logs, storage.Stable, storage.Snapshots, transport, n.initial()); err != nil {
			return nil, fmt.Errorf("bootstrap: %w", err)
		}
	}
	r, err = raft.NewRaft(conf, n.guard, storage.Logs, storage.Stable, storage.Snapshots, transport)
	if err != nil {
		return nil, n.startError(err, storage)
	}
	n.guard.running.Store(true)
	n.transport.Store(transport)
	n.disk.serving.Store(true)
	return r, nil
}

// leadsRaft says whether Raft leads in the term.
func (n *Node) leadsRaft(term uint64) bool {
	r := n.raft.Load()
	return r == nil || (r.State() == raft.Leader && r.CurrentTerm() == term) // nil: only just started
}

// startError adds what Raft only logs.
func (n *Node) startError(err error, storage *Storage) error {
	if snapshots, ok := storage.Snapshots.(*integrity.Snapshots); ok && snapshots.Err() != nil {
		return snapshots.Err()
	}
	if restore := n.guard.restoreErr.Load(); restore != nil {
		return fmt.Errorf("restore a snapshot: %w", *restore)
	}
	return fmt.Errorf("start raft: %w", err)
}

// calm is Raft's logger. To Raft every message that does not arrive is an error;
// to us an error is what a person must look at.
type calm struct{ hclog.Logger }

func (c calm) Error(msg string, args ...any)  { c.Logger.Warn(msg, args...) }
func (c calm) With(args ...any) hclog.Logger  { return calm{c.Logger.With(args...)} }
func (c calm) Named(name string) hclog.Logger { return calm{c.Logger.Named(name)} }

// initial is the initial cluster as Raft's configuration.
func (n *Node) initial() raft.Configuration {
	if len(n.cfg.InitialCluster) == 0 {
		return raft.Configuration{Servers: []raft.Server{
			{ID: raft.ServerID(n.cfg.NodeID), Address: raft.ServerAddress(n.cfg.AdvertiseRaft)},
		}}
	}
	var c raft.Configuration
	for _, id := range n.cfg.initialIDs() {
		c.Servers = append(c.Servers, raft.Server{
			ID: raft.ServerID(id), Address: raft.ServerAddress(n.cfg.InitialCluster[id]),
		})
	}
	return c
}

// servers are the members as Raft knows them.
func servers(r *raft.Raft) []raft.Server {
	f := r.GetConfiguration()
	if f.Error() != nil {
		return nil
	}
	return f.Configuration().Servers
}

// standing is what the death detector needs of Raft.
func (n *Node) standing() peer.Standing {
	r := n.raft.Load()
	if r == nil || n.muted() {
		return peer.Standing{} // it neither campaigns nor has a say about another
	}
	_, leader := r.LeaderWithID()
	s := peer.Standing{
		Term: r.CurrentTerm(), Follower: r.State() == raft.Follower, Leader: string(leader),
		Silence: n.silence(), LastIndex: r.LastIndex(),
	}
	// Raft tells the term of its last entry in no other way.
	stats := r.Stats()
	s.LastTerm = statistic(stats, "last_log_term")
	if statistic(stats, "last_snapshot_index") > statistic(stats, "last_log_index") {
		s.LastTerm = statistic(stats, "last_snapshot_term")
	}
	return s
}

// silence is how long this node, when it does not lead, has heard from no leader.
func (n *Node) silence() time.Duration {
	r := n.raft.Load()
	if r == nil || r.State() == raft.Leader {
		return 0
	}
	last := r.LastContact()
	if last.IsZero() {
		return 0
	}
	return time.Since(last)
}

func statistic(stats map[string]string, key string) uint64 {
	v, _ := strconv.ParseUint(stats[key], 10, 64)
	return v
}

// campaign sends this node what a leader sends to the one that it hands its
// place to. It asks for votes at once, without a preliminary vote.
func (n *Node) campaign() error {
	r := n.raft.Load()
	if r == nil || n.muted() {
		return errors.New("raft does not run")
	}
	n.metrics.campaigns.Inc()
	id, address := raft.ServerID(n.cfg.NodeID), raft.ServerAddress(n.cfg.AdvertiseRaft)
	req := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{
		ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(id), Addr: []byte(address),
	}}
	return n.transport.Load().TimeoutNow(id, address, req, &raft.TimeoutNowResponse{})
}
