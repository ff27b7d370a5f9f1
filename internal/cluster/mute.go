package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

const (
	// defaultDiskTimeout is how long one access to the disk may take before the
	// node mutes.
	defaultDiskTimeout = 3 * time.Second
	// suspicious is how long one takes when the others are asked to look at theirs.
	suspicious = 500 * time.Millisecond
	// evidence is for how long a write proves that a disk works, and probeEvery
	// how often one is made for that when there is no other.
	evidence   = 2 * time.Second
	probeEvery = 500 * time.Millisecond
)

// probeKey is where a node writes to find out whether its disk works.
var probeKey = []byte("probe")

// mute says whether this node takes part in Raft. A node that cannot write is of
// no use to the others and must not keep them from electing another leader:
// muted, it sends and accepts nothing of Raft and says in its pongs that it
// cannot write, which the others take as if its process was gone.
type mute struct {
	mu      sync.Mutex
	reason  string // empty: it takes part
	since   time.Time
	on      chan struct{} // closed while it is muted
	changed chan struct{} // capacity 1: signalled when that changes
}

func newMute() *mute { return &mute{on: make(chan struct{}), changed: make(chan struct{}, 1)} }

// begins is closed when the node mutes. It is another channel after each mute.
func (m *mute) begins() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.on
}

// why returns why the node is muted, and since when; "" that it is not.
func (m *mute) why() (reason string, since time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reason, m.since
}

// set mutes for the reason, or with "" ends that. It reports whether this is news.
func (m *mute) set(reason string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	news := (m.reason == "") != (reason == "")
	m.reason = reason
	if !news {
		return false
	}
	if reason != "" {
		m.since = time.Now()
		close(m.on)
	} else {
		m.on = make(chan struct{})
	}
	select {
	case m.changed <- struct{}{}:
	default:
	}
	return true
}

// stopSpeaking mutes the node. The disk is not touched.
func (n *Node) stopSpeaking(reason string) {
	if n.mute.set(reason) {
		n.metrics.mutes.Inc()
		n.log.Error("this node takes no part in the cluster until it can write again", "node", n.cfg.NodeID, "error", reason)
	}
	if s := n.stream.Load(); s != nil {
		s.silence(true)
	}
}

// speakAgain ends the mute, unless the node's state is wrong.
func (n *Node) speakAgain() {
	if n.odd.Load() {
		return
	}
	if s := n.stream.Load(); s != nil {
		s.silence(false)
	}
	if n.mute.set("") {
		n.log.Info("this node can write again and takes part in the cluster", "node", n.cfg.NodeID)
	}
}

// muted reports whether the node takes no part in Raft.
func (n *Node) muted() bool {
	reason, _ := n.mute.why()
	return reason != ""
}

// watchDisk mutes the node while its disk does not return from an access, until
// ctx ends. When ctx has ended it goes on, so that nothing of Raft is waited for
// on a disk that hangs, until done is closed.
func (n *Node) watchDisk(ctx context.Context, storage *Storage, done <-chan struct{}) {
	tick := time.NewTicker(n.paced(100 * time.Millisecond))
	defer tick.Stop()
	var probed time.Time
	probing := make(chan struct{}, 1)
	for {
		select {
		case <-tick.C:
		case <-done:
			select {
			case probing <- struct{}{}: // nothing is under way
			case <-time.After(time.Second):
			}
			return
		}
		what, since := n.disk.hanging()
		hangs := since >= n.paced(n.cfg.DiskTimeout)
		switch {
		case n.disk.broken() != nil: // muted for good, until the disk is opened again
		case !hangs && n.muted():
			n.speakAgain()
		case hangs && (n.muted() || ctx.Err() != nil || n.othersCanWrite()):
			n.stopSpeaking(fmt.Sprintf("the disk does not answer: %q has taken %s so far", what, since.Round(time.Second)))
		}
		if n.asked() && time.Since(probed) >= n.paced(probeEvery) {
			select {
			case probing <- struct{}{}:
				probed = time.Now()
				go func() { // ends when the disk answers
					_ = storage.Stable.Set(probeKey, []byte{1}) // the result is noted by the watch
					<-probing
				}()
			default: // the last one has not returned
			}
		}
	}
}

// asked reports whether another node wants to know whether this one's disk works.
func (n *Node) asked() bool {
	for _, p := range n.peers.Peers() {
		if p.Up && p.State.Suspects {
			return true
		}
	}
	return false
}

// othersCanWrite reports whether the other nodes of which it is proved that
// their disks work make a majority without this one. When all disks hang alike,
// as on one host, nothing is won by muting, and everything would be by waiting.
func (n *Node) othersCanWrite() bool {
	r := n.raft.Load()
	if r == nil {
		return false
	}
	working := 0
	voters := 0
	for _, s := range servers(r) {
		if s.Suffrage != raft.Voter {
			continue
		}
		voters++
		if p, ok := n.peers.Peer(string(s.ID)); ok && p.Up && p.State.Writes && p.State.Mute == "" {
			working++
		}
	}
	return working > voters/2
}

// errDiskHangs: the node ended while its disk did not answer.
var errDiskHangs = errors.New("the disk does not answer; the node ended without waiting for it")

// waitUnlessMuted waits for the end of Raft, and no longer than the disk may
// take for one access.
func (n *Node) waitUnlessMuted(f raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- f.Error() }()
	tick := time.NewTicker(n.paced(100 * time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			if what, since := n.disk.hanging(); since >= n.paced(n.cfg.DiskTimeout) {
				return fmt.Errorf("%w: %q has taken %s so far", errDiskHangs, what, since.Round(time.Second))
			}
		}
	}
}

// await returns the future's error, or errStopped when over is closed first: a
// Raft that waits for its disk does not answer before that does.
func await(f raft.Future, over <-chan struct{}) error {
	done := make(chan error, 1)
	go func() { done <- f.Error() }()
	select {
	case err := <-done:
		return err
	case <-over:
		return errStopped
	}
}
