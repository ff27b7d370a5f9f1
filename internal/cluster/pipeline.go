package cluster

import (
	"sync"

	"github.com/hashicorp/raft"
)

// pipeline is Raft's pipeline of AppendEntries messages to one follower, made
// safe against an answer that is a failure. Raft stops reading answers at the
// first one, and goes on sending when it has something to send at the same
// moment; with few messages in flight the send then waits for ever for room
// that only a reader would make (hashicorp/raft#612). Here answers are taken
// from Raft's pipeline whether Raft reads them or not, and the first failure
// closes it: a send that waits fails, and Raft goes on message by message until
// the follower has the log again. No send takes longer than transportTimeout
// twice, once for the write and once for the answer that makes room.
type pipeline struct {
	raft.AppendPipeline
	answers chan raft.AppendFuture
	// noted is called with each answer that is a success.
	noted func(*raft.AppendEntriesRequest)

	once   sync.Once
	closed chan struct{}
	ended  chan struct{} // closed when no goroutine runs any more
}

func newPipeline(inner raft.AppendPipeline, noted func(*raft.AppendEntriesRequest)) *pipeline {
	p := &pipeline{
		AppendPipeline: inner, answers: make(chan raft.AppendFuture), noted: noted,
		closed: make(chan struct{}), ended: make(chan struct{}),
	}
	go p.pass()
	return p
}

// Consumer returns the channel of the answers.
func (p *pipeline) Consumer() <-chan raft.AppendFuture { return p.answers }

// pass hands the answers on until the pipeline is closed. After the first
// failure it hands on nothing more: what was sent behind it is void.
func (p *pipeline) pass() {
	defer close(p.ended)
	for {
		select {
		case f := <-p.AppendPipeline.Consumer():
			failed := f.Error() != nil || !f.Response().Success
			if failed {
				_ = p.AppendPipeline.Close()
			} else {
				p.noted(f.Request())
			}
			select {
			case p.answers <- f:
			case <-p.closed:
				return
			}
			if failed {
				return
			}
		case <-p.closed:
			return
		}
	}
}

// Close ends the messages in flight.
func (p *pipeline) Close() error {
	p.once.Do(func() { close(p.closed) })
	err := p.AppendPipeline.Close()
	<-p.ended
	return err
}
