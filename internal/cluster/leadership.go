package cluster

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// session is one term of this node as the leader.
type session struct {
	term   uint64
	began  time.Time
	writer *writer
	ready  chan struct{}   // closed when the writer accepts
	over   chan struct{}   // closed when it does no more
	muted  <-chan struct{} // closed when the node mutes: nothing of Raft is waited for
	afresh chan struct{}   // capacity 1: the leader's work is to begin anew

	cancel context.CancelFunc
	done   chan struct{} // closed when everything of it has ended
}

// supervise runs a session for each term that this node leads, one at a time,
// until ctx ends.
func (n *Node) supervise(ctx context.Context) {
	r := n.raft.Load()
	var current *session
	var ended <-chan struct{}
	stop := func() {
		if current != nil {
			current.cancel()
			<-current.done
			current, ended = nil, nil
		}
	}
	defer stop()
	retry := time.NewTimer(0)
	defer retry.Stop()
	for {
		select {
		case <-r.LeaderCh():
		case <-n.mute.changed:
		case <-retry.C:
		case <-ended: // by itself: its barrier failed
			stop()
			retry.Reset(100 * time.Millisecond)
			continue
		case <-ctx.Done():
			return
		}
		// A signal may stand for several changes: the term tells.
		leads, term := r.State() == raft.Leader && !n.muted(), r.CurrentTerm()
		if current != nil && (!leads || current.term != term) {
			stop()
		}
		if current == nil && leads {
			current = n.startSession(ctx, term)
			ended = current.done
		}
	}
}

func (n *Node) startSession(ctx context.Context, term uint64) *session {
	ctx, cancel := context.WithCancel(ctx)
	r := n.raft.Load()
	muted := n.mute.begins()
	s := &session{
		term: term, began: time.Now(), cancel: cancel, muted: muted,
		ready: make(chan struct{}), over: make(chan struct{}), done: make(chan struct{}), afresh: make(chan struct{}, 1),
		writer: &writer{
			term: term, machine: n.machine, ids: n.cfg.IDs, now: n.Now,
			propose: func(entry []byte) raft.ApplyFuture { return r.Apply(entry, 0) },
			join:    n.verifier.join,
			muted:   muted,
			metrics: n.metrics, log: n.log.Named("writer"),
			queue: make(chan *call, maxQueue), slots: make(chan struct{}, maxInFlight),
		},
	}
	n.session.Store(s)
	go func() {
		defer close(s.done)
		defer cancel()
		n.lead(ctx, s)
	}()
	return s
}

// lead is one term: barrier, writer, the cluster's record, the leader's work.
func (n *Node) lead(ctx context.Context, s *session) {
	log := n.log.With("term", s.term)
	defer func() {
		n.session.CompareAndSwap(s, nil)
		close(s.over)
		s.writer.close()
		log.Info("leadership ended")
	}()
	r := n.raft.Load()
	if err := await(r.Barrier(0), s.muted); err != nil || r.CurrentTerm() != s.term {
		if err == raft.ErrLeadershipTransferInProgress {
			log.Error("raft refuses entries because of a transfer that never ended; restart this node if it goes on")
		}
		return
	}
	n.awaitWalls(ctx)
	n.machine.Discard()
	n.metrics.terms.Inc()
	log.Info("leadership begins")

	var wg sync.WaitGroup
	defer wg.Wait()
	stop := make(chan struct{})
	defer func() { close(stop) }()
	resume := func() {
		stop = make(chan struct{})
		own := stop
		wg.Go(func() { s.writer.run(own) })
	}
	pause := func() {
		close(stop)
		wg.Wait()
	}
	resume()
	close(s.ready)
	n.work(ctx, s, pause, resume)
}

// work does what a leader does while its writer runs, and hands leadership over
// when asked to.
func (n *Node) work(ctx context.Context, s *session, pause, resume func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	gaveUp := make(chan error)
	wg.Go(func() {
		if err := n.announce(ctx, s); err != nil {
			return // leadership is lost
		}
		wg.Go(func() { n.keepRecords(ctx) })
		wg.Go(func() { n.keepMembers(ctx) })
		wg.Go(func() { n.askDigests(ctx, s) })
		for ctx.Err() == nil {
			err := n.leadOnce(ctx, s)
			if ctx.Err() != nil {
				return
			}
			if err == errTimeSet {
				continue
			}
			n.log.Error("the leader's work ended early", "term", s.term, "error", err)
			select {
			case gaveUp <- err:
			case <-ctx.Done():
			}
			select {
			case <-time.After(time.Second): // when nobody else can take over
			case <-ctx.Done():
			}
		}
	})
	for {
		var t *transfer
		select {
		case t = <-n.transfers:
		case <-gaveUp:
			t = newTransfer(ctx, "")
		case <-ctx.Done():
			return
		}
		pause()
		err := n.handOver(t.ctx, t.to)
		if err != nil {
			n.log.Warn("leadership was not handed over", "term", s.term, "to", t.to, "error", err)
		}
		resume()
		t.answer(err)
	}
}

// announce writes the cluster's record when there is none, and that this node
// leads.
func (n *Node) announce(ctx context.Context, s *session) error {
	return s.writer.do(ctx, func(tx *fsm.Tx) error {
		if tx.Cluster() == nil {
			tx.PutCluster(&autoscaling.Cluster{
				ID: n.self.get().Cluster, Name: n.cfg.ClusterName, Incarnation: tx.NewUID(), CreateTime: tx.Now(),
			})
		}
		putRecord(tx, n.cfg.Record)
		tx.Emit(autoscaling.Event{
			Type: autoscaling.EventLeaderElected, Subject: n.cfg.NodeID,
			Message: fmt.Sprintf("node %s leads in term %d", n.cfg.NodeID, s.term),
			Details: map[string]string{"term": strconv.FormatUint(s.term, 10)},
		})
		return nil
	})
}

// accepting waits, within ctx, until this node as the leader accepts writes.
func (n *Node) accepting(ctx context.Context) (*session, error) {
	s := n.session.Load()
	if s == nil {
		return nil, notLeading()
	}
	select {
	case <-s.ready:
		return s, nil
	case <-s.over:
		return nil, notLeading()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// leads says whether this node leads and accepts writes.
func (n *Node) leads() bool {
	s := n.session.Load()
	if s == nil {
		return false
	}
	select {
	case <-s.ready:
		return n.leadsRaft(s.term) // its work may still be ending
	default:
		return false
	}
}

// Do is the Writer: it runs fn on the newest state and answers when what it
// wrote is applied, with fn's own error when it had one. fn is pure over tx, is
// called at most once, and never again after Do has answered. A NO_LEADER
// answer means that nothing was written.
func (n *Node) Do(ctx context.Context, fn func(tx *fsm.Tx) error) error {
	s, err := n.accepting(ctx)
	if err != nil {
		return err
	}
	return s.writer.do(ctx, fn)
}
