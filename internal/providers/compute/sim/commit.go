package sim

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/asctl/as/internal/providers"
)

// lockWait bounds how long a batch waits for another process's lock. Others
// hold it for a write; only a frozen process holds it longer.
const lockWait = 2 * time.Second

// change is one caller's look at the table, or change of it.
type change struct {
	act func(t *table, now int64) error
	err error
}

// batch is the changes that go to the journal in one locked write.
type batch struct {
	changes []*change
	done    chan struct{}
}

// queue holds the batch that callers may still join.
type queue struct {
	mu   sync.Mutex
	open *batch
}

// join adds the change to the open batch; first makes the caller the one who
// carries the batch out.
func (q *queue) join(c *change) (b *batch, first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == nil {
		q.open = &batch{done: make(chan struct{})}
		first = true
	}
	q.open.changes = append(q.open.changes, c)
	return q.open, first
}

// close ends the joining: who comes now opens the next batch.
func (q *queue) close() {
	q.mu.Lock()
	q.open = nil
	q.mu.Unlock()
}

// do runs act on the newest table. In memory it runs at once; with a journal
// callers that come together share one lock and one write, because those cost
// more than the changes themselves.
func (c *Cloud) do(ctx context.Context, act func(t *table, now int64) error) error {
	if c.journal == nil {
		c.turn <- struct{}{}
		defer func() { <-c.turn }()
		now := time.Now().UnixNano()
		c.table.forget(now)
		return act(c.table, now)
	}
	mine := &change{act: act}
	b, first := c.queue.join(mine)
	if !first {
		select {
		case <-b.done:
			return mine.err
		case <-ctx.Done():
			return fmt.Errorf("sim: not waited for the journal: %w", context.Cause(ctx))
		}
	}
	// One yield lets those who are ready to run join, which on one core nobody
	// could while this goroutine goes on without a pause.
	runtime.Gosched()
	c.turn <- struct{}{}
	c.queue.close()
	c.commit(b)
	<-c.turn
	close(b.done)
	return mine.err
}

// commit carries the batch out, in the turn. It does not look at the caller's
// context: the batch is also that of others, and lockWait bounds it.
func (c *Cloud) commit(b *batch) {
	err := c.journal.begin(c.table)
	if err == nil {
		err = c.runBatch(b)
		c.journal.end()
	}
	if err == nil {
		return
	}
	err = &providers.Error{Class: providers.Unavailable, Message: "sim: " + err.Error(), Err: err}
	for _, ch := range b.changes {
		ch.err = err
	}
}

func (c *Cloud) runBatch(b *batch) error {
	now := time.Now().UnixNano()
	c.table.forget(now)
	c.table.records = c.table.records[:0]
	for _, ch := range b.changes {
		ch.err = ch.act(c.table, now)
	}
	return c.journal.append(c.table)
}

// ask is do for a look with an answer. The answer is not touched after an
// error: act may still run when its caller has gone.
func ask[T any](ctx context.Context, c *Cloud, act func(t *table, now int64) (T, error)) (T, error) {
	var answer T
	err := c.do(ctx, func(t *table, now int64) (err error) {
		answer, err = act(t, now)
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return answer, nil
}
