package cluster

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/asctl/as/internal/cluster/peer"
	"github.com/asctl/as/internal/fsm"
)

const (
	// defaultDigestEvery is how often a leader asks for digests.
	defaultDigestEvery = 10 * time.Minute
	// digestRest is how long the encoding of a state rests after each piece, in
	// times of how long it worked on that.
	digestRest = 3
)

// digests are what this node knows of its own state, to be compared with what
// the others tell of theirs.
type digests struct {
	wake chan struct{} // capacity 1: there is a captured state

	mu       sync.Mutex
	captured *captured    // the newest one whose digest was not begun
	own      *peer.Digest // the newest one
	differs  string       // how the nodes' states differ, in a sentence; empty: they do not
}

// captured is the state at an index of the log.
type captured struct {
	index uint64
	state fsm.View
}

// capture takes the state at a mark, in constant time. One that was not begun
// yet is replaced: a node that starts passes many marks.
func (d *digests) capture(index uint64, state fsm.View) {
	d.mu.Lock()
	d.captured = &captured{index: index, state: state}
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *digests) take() *captured {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.captured
	d.captured = nil
	return c
}

func (d *digests) set(own *peer.Digest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.own = own
}

// newest is the newest digest, nil before the first.
func (d *digests) newest() *peer.Digest {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.own
}

// reset forgets all: the node has another state.
func (d *digests) reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.captured, d.own, d.differs = nil, nil, ""
}

// differ notes how the states differ, "" that they do not, and reports whether
// that is news.
func (d *digests) differ(text string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	news := d.differs != text
	d.differs = text
	return news
}

func (d *digests) difference() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.differs
}

// askDigests marks the log from time to time while this node leads: each node
// takes a digest of its state at the mark.
func (n *Node) askDigests(ctx context.Context, s *session) {
	wait := n.cfg.DigestEvery / 10 // so that leaders of short terms ask, too
	for {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		wait = n.cfg.DigestEvery
		if len(n.voters()) < 2 {
			continue // there is nothing to compare with
		}
		if err := await(n.raft.Load().Apply(fsm.DigestMark(), 0), s.muted); err != nil && ctx.Err() == nil {
			n.log.Debug("no digests are taken this time", "error", err)
		}
	}
}

// takeDigests takes a digest of each state that was captured, one at a time,
// until ctx ends.
func (n *Node) takeDigests(ctx context.Context) {
	for {
		select {
		case <-n.digests.wake:
		case <-ctx.Done():
			return
		}
		c := n.digests.take()
		if c == nil {
			continue
		}
		sum := sha256.New()
		if err := c.state.Encode(&gentle{ctx: ctx, to: sum, since: time.Now()}); err != nil {
			if ctx.Err() == nil {
				n.log.Warn("no digest of this node's state could be taken", "index", c.index, "error", err)
			}
			continue
		}
		n.digests.set(&peer.Digest{Index: c.index, Sum: sum.Sum(nil), Build: n.build()})
		n.metrics.digests.Inc()
	}
}

// gentle writes to another writer and rests after each piece, so that what makes
// the pieces uses a quarter of a processor at most. It ends with ctx.
type gentle struct {
	ctx   context.Context
	to    io.Writer
	since time.Time // when work on this piece began
}

func (g *gentle) Write(b []byte) (int, error) {
	n, err := g.to.Write(b)
	if err != nil {
		return n, err
	}
	rest := time.NewTimer(digestRest * time.Since(g.since))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-g.ctx.Done():
		return n, g.ctx.Err()
	}
	g.since = time.Now()
	return n, nil
}

// compareDigests compares this node's digest with those of the others, and ends
// the node when a majority has another state.
func (n *Node) compareDigests() {
	own := n.digests.newest()
	if own == nil || n.odd.Load() {
		return
	}
	known := map[string]peer.Digest{n.cfg.NodeID: *own}
	for _, p := range n.peers.Peers() {
		if p.Up && p.Claim.Open && p.State.Mute == "" && p.State.Digest != nil {
			known[p.ID] = *p.State.Digest
		}
	}
	odd, text := compareStates(n.cfg.NodeID, known, n.voters())
	if n.digests.differ(text) && text != "" {
		n.log.Error("the states of the nodes differ", "node", n.cfg.NodeID, "error", text)
	}
	if odd {
		n.endOdd(text)
	}
}

// endOdd ends this node, whose state is wrong. It takes no part in anything from
// now on, and a leader neither writes nor hands over first. What it has on the
// disk stays and is not used by the next start.
func (n *Node) endOdd(why string) {
	n.odd.Store(true)
	n.mute.set(why)
	if s := n.stream.Load(); s != nil {
		s.silence(true)
	}
	err := n.self.change(func(id *identity) error { id.Differs = why; return nil })
	n.fail(&StateDiffersError{Why: why, Cause: err})
}

// StateDiffersError ends a node whose state differs from that of a majority.
type StateDiffersError struct {
	Why   string
	Cause error // why the next start does not know of it; nil: it does
}

func (e *StateDiffersError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s; the node ends; this could not be noted in the data directory: %v; "+
			"before the node is started again, move its data directory away", e.Why, e.Cause)
	}
	return e.Why + "; the node ends; test the memory of this machine before you start it again: " +
		"the node then sets its data aside and takes that of the others"
}

func (e *StateDiffersError) Unwrap() error { return e.Cause }

// awaitReplacement waits until a leader exists that this node has no part in, and
// then has its data set aside: until then it may be all that is left.
func (n *Node) awaitReplacement(ctx context.Context, why string) error {
	n.self.convict(why)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		if n.ledWithout() {
			return &forgotError{why: why}
		}
		select {
		case <-tick.C:
		case err := <-n.failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
