package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/integrity"
	"github.com/asctl/as/internal/cluster/peer"
	"github.com/asctl/as/internal/fsm"
)

// Node is one member of the cluster. Its methods may be called at any time,
// also before and after Run.
type Node struct {
	cfg      Config
	log      hclog.Logger
	machine  *fsm.Machine
	guard    *guard
	clock    *clock
	metrics  *metrics
	verifier *verifier
	peers    *peer.Service
	channel  *peer.Channel

	self     self
	replaced chan string   // capacity 1: a leader does without this node's data, which is too old
	claims   atomic.Uint64 // made so far
	stored   uint64        // index of the last entry when the storage was opened
	admitted chan struct{} // capacity 1: a leader admitted this node
	// marksKept is when what is known of the others was stored; followPeers owns it.
	marksKept time.Time
	// open reports whether Raft's messages pass: see tryOpen.
	open atomic.Bool

	raft       atomic.Pointer[raft.Raft] // nil while it does not run
	transport  atomic.Pointer[transport] // valid when raft is
	session    atomic.Pointer[session]   // of the term that this node leads
	stream     atomic.Pointer[stream]
	conditions conditions
	mute       *mute
	disk       *disk
	lag        lag
	readiness  readiness
	budget     transferBudget
	digests    digests
	// odd reports that this node's state differs from that of a majority: it ends,
	// and speaks no more until it has.
	odd atomic.Bool

	reopenEvery time.Duration // how often a storage that failed is opened again

	transfers chan *transfer
	failed    chan error // capacity 1: why Run must end
	broken    chan error // capacity 1: why the storage must be opened anew
	ran       atomic.Bool
}

// Leader says who leads.
type Leader struct {
	ID          string
	GRPCAddress string // empty while its record is not known yet
	Term        uint64
}

// Leadership is one term of this node as the leader.
type Leadership struct {
	Term uint64
}

// New checks the configuration; it opens and starts nothing.
func New(cfg Config) (*Node, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	n := &Node{
		cfg:         cfg,
		log:         cfg.Logger.Named("cluster"),
		machine:     fsm.NewMachine(),
		digests:     digests{wake: make(chan struct{}, 1)},
		clock:       newClock(cfg.Clock),
		metrics:     newMetrics(),
		mute:        newMute(),
		reopenEvery: reopenEvery * time.Duration(cfg.Pace),
		transfers:   make(chan *transfer),
		admitted:    make(chan struct{}, 1),
		replaced:    make(chan string, 1),
		failed:      make(chan error, 1),
		broken:      make(chan error, 1),
	}
	var err error
	if n.channel, err = peer.NewChannel(peer.ChannelConfig{Secrets: cfg.Secrets, Identity: n.identity, Accept: n.accept}); err != nil {
		return nil, err
	}
	n.guard = &guard{machine: n.machine, fatal: n.fail, marked: n.digests.capture}
	n.disk = newDisk(n.diskFailed)
	n.verifier = newVerifier(n.verifyLeader)
	record := cfg.Record
	record.ID, record.RaftAddress, record.UpdateTime = cfg.NodeID, n.cfg.AdvertiseRaft, 0
	n.cfg.Record = record
	n.peers = peer.New(peer.Config{
		Record: record, Boot: uuid.NewString(),
		State: n.state, Clock: cfg.Clock, Dial: n.dialPeer,
		Identity: n.identity, Claim: n.claim, Meet: n.meet, Greeted: n.greeted, Forgot: n.forgot,
		Agree: n.agree, Admit: n.admit, Voters: n.voters,
		Standing: n.standing, Term: n.term, Silence: n.silence, Campaign: n.campaign,
		Reports: cfg.Reports, ReportsChanged: cfg.ReportsChanged, Parcel: cfg.Parcel, Pace: cfg.Pace,
		Fatal: n.fail, Logger: n.log.Named("peer"),
	})
	if err := n.register(cfg.Metrics); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return n, nil
}

// fail ends Run; the first reason counts.
func (n *Node) fail(err error) {
	select {
	case n.failed <- err:
	default:
	}
}

// Run is the node's life: it blocks until ctx ends, or something is wrong that
// only a person can mend, and leaves nothing behind. It can be called once.
func (n *Node) Run(ctx context.Context) (err error) {
	if n.ran.Swap(true) {
		return errors.New("a node runs only once")
	}
	for {
		err := n.runOnce(ctx)
		why, useless := n.useless(err)
		if !useless {
			return err
		}
		if err := n.setAside(why); err != nil {
			return err
		}
		n.reset()
	}
}

// useless reports whether a run ended because the node's data must not be used,
// being too old or damaged, and the other nodes may have what it had. A node that
// is alone is left as it is: no other node has what it had.
func (n *Node) useless(err error) (why string, useless bool) {
	var forgot *forgotError
	var identity *IdentityDamagedError
	switch {
	case len(n.cfg.members()) < 2:
	case errors.As(err, &forgot):
		return forgot.why, true
	case integrity.IsDamage(err), errors.As(err, &identity):
		return err.Error(), true
	}
	return "", false
}

// forgotError ends a run on data that is too old: the next one has none.
type forgotError struct{ why string }

func (e *forgotError) Error() string { return e.why }

// reset makes the node as it was before its first run.
func (n *Node) reset() {
	select {
	case <-n.failed: // of the run that has ended
	default:
	}
	n.raft.Store(nil)
	n.machine.Reset()
	n.guard.reset()
	n.readiness.reset()
	n.digests.reset()
	n.disk.serving.Store(false)
}

// runOnce is a run on the data as it is.
func (n *Node) runOnce(ctx context.Context) (err error) {
	storage, closeStorage, err := n.openStorage()
	if err != nil {
		return err
	}
	defer func() {
		if closeStorage != nil {
			err = errors.Join(err, closeStorage())
		}
	}()
	if err := n.openSelf(storage); err != nil {
		return err
	}

	listener, err := n.cfg.Network.Listen(n.cfg.RaftAddr)
	if err != nil {
		return fmt.Errorf("raft address: %w", err)
	}
	mux := peer.NewMux(listener, n.channel, n.log.Named("peer"))
	stream := newStream(mux, n.dialRaft, n.cfg.AdvertiseRaft, n.open.Load)
	n.stream.Store(stream)
	defer n.open.Store(false)

	// What follows outlives ctx until leadership has been handed over.
	serving, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stopServing()
	wg.Go(func() { n.report(mux.Run(serving)) })
	n.peers.SetPeers(n.initialPeers())
	wg.Go(func() { n.report(n.peers.Run(serving, mux.Peer())) })

	// A node whose id is taken learns it before it takes part.
	n.peers.Tried(ctx, 300*time.Millisecond)
	select {
	case err := <-n.failed:
		return err
	default:
	}
	if err := n.joinRefusing(ctx, stream); err != nil {
		if ctx.Err() != nil {
			return nil // it stops
		}
		return err
	}
	closing := closeStorage
	closeStorage = nil
	return n.live(ctx, storage, stream, closing)
}

// openSelf reads what this node is, and begins a start when it has data.
func (n *Node) openSelf(storage *Storage) error {
	store := storage.Identity
	if store == nil {
		store = new(memoryIdentity)
	}
	id, err := loadIdentity(store, "of node "+n.cfg.NodeID)
	if err != nil {
		return err
	}
	if n.stored, err = storage.lastIndex(); err != nil {
		return err
	}
	news := id == nil
	if news {
		id = newIdentity(n.cfg.NodeID)
	}
	n.self.open(store, id)
	if !news && !id.Phase.HasData() {
		return nil
	}
	return n.self.change(func(id *identity) error {
		if id.Phase.HasData() {
			n.self.begin(id)
		}
		return nil
	})
}

// report ends Run for an error of a part that must not end.
func (n *Node) report(err error) {
	if err != nil {
		n.fail(err)
	}
}

func (n *Node) openStorage() (*Storage, func() error, error) {
	nothing := func() error { return nil }
	switch {
	case n.cfg.Storage != nil:
		return n.cfg.Storage.sealed(n.damaged), nothing, nil
	case n.cfg.DataDir == "":
		return MemoryStorage().sealed(n.damaged), nothing, nil
	}
	d, err := openDirectory(n.cfg.DataDir, n.cfg.NodeID, n.log, func(error) {}) // the failed write is noted by the watch
	if err != nil {
		return nil, nil, err
	}
	d.bolt.Damaged, d.logs.Damaged = n.damaged, n.damaged
	n.guard.unsealed = d.logs.Unsealed
	return &d.storage, d.close, nil
}

// damaged ends the process: an entry that Raft or bbolt needs is damaged, and
// neither can go on without it or stop in good order.
func (n *Node) damaged(err error) {
	n.log.Error("the node's data is damaged; its process ends", "node", n.cfg.NodeID, "error", err)
	n.cfg.Exit(err)
}

// runRaft runs Raft and what depends on it, until ctx ends or the node fails.
func (n *Node) runRaft(ctx context.Context, storage *Storage, stream *stream) error {
	storage = n.disk.watch(storage)
	r, err := n.startRaft(storage, stream)
	if err != nil {
		return err
	}
	n.raft.Store(r)
	if others := n.others(servers(r)); len(others) > 0 {
		n.peers.SetPeers(others) // none are known to a node that was just admitted
	}
	n.log.Info("node started", "node", n.cfg.NodeID, "address", n.cfg.AdvertiseRaft, "term", r.CurrentTerm(), "index", r.LastIndex())

	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { n.verifier.run(background) })
	wg.Go(func() { n.followPeers(background) })
	wg.Go(func() { n.watchReserve(background) })
	wg.Go(func() { stream.keepReady(background, n.peers) })
	wg.Go(func() { n.supervise(background) })
	wg.Go(func() { n.takeDigests(background) })
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { n.watchDisk(background, storage, ended) })
	defer watching.Wait()
	defer close(ended)
	n.tryOpen()
	if alone(servers(r), n.cfg.NodeID) {
		n.report(n.campaign()) // no other node could lead: why wait
	}

	select {
	case <-ctx.Done():
		n.log.Info("node stops", "node", n.cfg.NodeID)
	case err = <-n.failed:
		n.log.Error("node fails", "node", n.cfg.NodeID, "error", err)
	case why := <-n.replaced:
		err = &forgotError{why: why}
	case err = <-n.broken:
	}
	if !n.muted() {
		n.resign()
	}
	// Leadership first, with its writer: what it proposed is answered only while
	// Raft runs. Raft last, before its storage.
	stop()
	wg.Wait()
	n.keepMarks()
	stopped := r.Shutdown()
	n.transport.Load().Close() // what Raft still waits for ends now
	err = errors.Join(err, n.waitUnlessMuted(stopped))
	n.raft.Store(nil)
	return err
}

func alone(servers []raft.Server, id string) bool {
	return len(servers) == 1 && string(servers[0].ID) == id
}

// others maps the other servers' ids to their addresses.
func (n *Node) others(servers []raft.Server) map[string]string {
	m := map[string]string{}
	for _, s := range servers {
		if string(s.ID) != n.cfg.NodeID {
			m[string(s.ID)] = string(s.Address)
		}
	}
	return m
}

// followPeers keeps what depends on the other nodes: the clock, and whom to
// talk to.
func (n *Node) followPeers(ctx context.Context) {
	changed, stop := n.peers.Watch()
	defer stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		n.readiness.look(n)
		n.keepTime()
		select {
		case <-changed:
		case <-tick.C:
			if others := n.others(servers(n.raft.Load())); len(others) > 0 {
				n.peers.SetPeers(others)
			}
			n.lookAtSelf()
			n.watchFollowers()
		case <-ctx.Done():
			return
		}
	}
}

// state is what this node tells the others with each pong.
func (n *Node) state() peer.State {
	s := peer.State{
		Clock: autoscaling.TimeOf(n.cfg.Clock()), Leads: n.leads(), Identity: n.identity(), Claim: n.claim(),
	}
	if r := n.raft.Load(); r != nil {
		s.Term, s.Commit, s.Last = r.CurrentTerm(), r.CommitIndex(), r.LastIndex()
	}
	s.Applied = n.AppliedIndex()
	s.Conditions = n.ownConditions()
	s.Room = len(s.Conditions) == 0
	s.Digest = n.digests.newest()
	s.Mute, _ = n.mute.why()
	_, since := n.disk.hanging()
	s.Suspects, s.Writes = since >= n.paced(suspicious), n.disk.works(n.paced(evidence))
	return s
}
