package scheduler

import (
	"context"
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

// term is one term of leadership with all that lives only as long. Fields
// without a mutex belong to the loop's goroutine; others hand it work by post.
type term struct {
	*Scheduler
	fence providers.Fence
	began time.Time

	inbox    *inbox
	reporter *reporter
	prober   *prober
	alarms   *alarms
	calls    sync.WaitGroup // calls to providers

	groups   map[autoscaling.UID]*groupState
	wakes    wakes
	busy     map[autoscaling.InstanceID]struct{} // machines with an effect queued or under way
	lanes    map[laneKey]*lane
	sets     map[plan.SetKey]*set
	observed map[string]*observer
	dirty    []*groupState
	watchdog watchdog
	writes   chan struct{} // one in it for each decision on its way
}

func newTerm(s *Scheduler, fence providers.Fence) *term {
	t := &term{
		Scheduler: s, fence: fence, began: time.Now(),
		inbox:    newInbox(),
		groups:   map[autoscaling.UID]*groupState{},
		busy:     map[autoscaling.InstanceID]struct{}{},
		lanes:    map[laneKey]*lane{},
		sets:     map[plan.SetKey]*set{},
		observed: map[string]*observer{},
		watchdog: watchdog{meter: s.meter},
		writes:   make(chan struct{}, maxWrites),
	}
	t.reporter = newReporter(t)
	t.prober = newProber(t)
	t.alarms = newAlarms(t)
	for name, c := range s.Compute {
		t.observed[name] = newObserver(t, name, c)
	}
	return t
}

// run starts everything, waits for ctx, and waits for everything.
func (t *term) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t.adaptTimes(ctx)
	var own sync.WaitGroup
	start := func(work func(context.Context)) { own.Go(func() { work(ctx) }) }
	for range reporters {
		start(t.reporter.run)
	}
	for _, o := range t.observed {
		start(o.run)
	}
	start(t.prober.run)
	start(t.alarms.run)
	start(t.measure)
	start(t.check)
	start(t.sweep)
	start(t.watchPools)
	if t.Notifier != nil {
		n := newNotifier(t, t.State.View().Cluster())
		start(n.run)
		start(n.results.run)
	}
	t.log.Info("takeover", "term", t.fence.Epoch)
	t.loop(ctx)
	cancel()
	own.Wait()
	t.await()
	return nil
}

// await waits for calls to providers, but not longer than ShutdownPatience.
func (t *term) await() {
	ended := make(chan struct{})
	go func() { // it ends with the last call
		t.calls.Wait()
		close(ended)
	}()
	patience := time.NewTimer(t.Limits.ShutdownPatience)
	defer patience.Stop()
	select {
	case <-ended:
	case <-patience.C:
		t.log.Warn("calls to providers did not end in time; they are fenced", "term", t.fence.Epoch)
	}
}

// grace says whether what a new leader holds back is still held.
func (t *term) grace() bool { return time.Since(t.began) < t.Limits.TakeoverGrace }

// post runs fn on the loop's goroutine, soon, with the loop's context.
func (t *term) post(fn func(context.Context)) { t.inbox.put(fn) }

// do has fn written, as one function, and answers its error. A panic in fn
// undoes it and is its error.
func (t *term) do(ctx context.Context, fn func(tx *fsm.Tx, o control.Operations) error) error {
	return t.Writer.Do(ctx, func(tx *fsm.Tx) (err error) {
		defer recovered(&err)
		return fn(tx, t.Operations)
	})
}
