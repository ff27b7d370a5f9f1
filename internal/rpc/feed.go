package rpc

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// encoded is an event as it goes to every watcher.
type encoded struct {
	index     uint64
	namespace string
	group     string
	data      []byte
	line      func() []byte // as REST streams it; made once, when the first watcher wants it
}

// feed wakes the watchers of events and keeps the newest events encoded, once for
// all of them. A watcher that is further behind reads from the View: nothing is
// queued for anybody.
type feed struct {
	states States

	mu       sync.Mutex
	watchers int
	sources  map[netip.Addr]int // watchers by source
	recent   []encoded          // indexes without gaps; entries are never changed
	last     uint64             // newest index seen
	changed  chan struct{}
}

// recentEvents bounds what is kept encoded.
const recentEvents = 4096

func newFeed(states States) *feed {
	return &feed{states: states, sources: map[netip.Addr]int{}, changed: make(chan struct{})}
}

// run follows the state until ctx ends.
func (f *feed) run(ctx context.Context) {
	subscription := f.states.Subscribe()
	defer subscription.Close()
	f.advance()
	for { // ends with ctx
		select {
		case <-ctx.Done():
			return
		case <-subscription.Ready:
			if change := subscription.Take(); change.Events || change.All {
				f.advance()
				f.rest(ctx)
			}
		}
	}
}

// wakeCost is what it may cost to wake one watcher: so long, for each of them, the
// next events are collected before they are sent, so that calls come first.
const (
	wakeCost = 100 * time.Microsecond
	maxRest  = time.Second
)

// rest waits as long as the watchers that were woken have earned.
func (f *feed) rest(ctx context.Context) {
	f.mu.Lock()
	pause := min(time.Duration(f.watchers)*wakeCost, maxRest)
	f.mu.Unlock()
	if pause < time.Millisecond {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

// advance encodes what is new, if anybody watches, and wakes who does.
func (f *feed) advance() {
	v := f.states.View()
	f.mu.Lock()
	defer f.mu.Unlock()
	newest, done := v.LastEvent(), false
	defer func() {
		if !done { // a panic: watchers read from the View, each for itself
			f.recent = nil
		}
		f.last = newest
		close(f.changed)
		f.changed = make(chan struct{})
	}()
	// Another history, a gap, or more than is kept: begin anew.
	if newest < f.last || f.last+1 < v.FirstEvent() || newest-f.last > recentEvents || f.watchers == 0 {
		f.recent, f.last = nil, newest
	}
	for e := range v.Events(f.last) {
		f.recent = append(f.recent, encode(e))
	}
	if over := len(f.recent) - recentEvents; over > recentEvents {
		f.recent = append([]encoded(nil), f.recent[over:]...)
	}
	done = true
}

// encode never fails: the state holds text, and were it otherwise, a watcher would
// miss some words and not the event.
func encode(e *autoscaling.Event) encoded {
	m := eventMessage(e)
	data, err := marshal(m)
	if err != nil {
		data, _ = proto.Marshal(&pb.Event{Index: m.GetIndex(), Time: m.GetTime(), Type: m.GetType()})
	}
	return encoded{e.Index, e.Namespace, e.GroupID, data, sync.OnceValue(func() []byte { return eventLine(m, nil) })}
}

// How many watchers a node has, in all and from one address.
const (
	maxWatchers       = 4096
	maxSourceWatchers = maxWatchers / 2
)

// join counts a watcher until leave is called, or refuses it.
func (f *feed) join(source netip.Addr) (leave func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers >= maxWatchers || f.sources[source] >= maxSourceWatchers {
		return nil, &autoscaling.Error{
			Reason: autoscaling.LimitExceeded, RetryAfter: loadRetry,
			Message: fmt.Sprintf("this node has %d watchers, %d of them from %s; the limits are %d and %d: watch at another node, or share a watch",
				f.watchers, f.sources[source], source, maxWatchers, maxSourceWatchers),
		}
	}
	f.watchers++
	f.sources[source]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.watchers--
		if f.sources[source]--; f.sources[source] == 0 {
			delete(f.sources, source)
		}
	}, nil
}

// after are events above an index, some of them if there are many, and a channel
// that is closed when there may be more. An index below which events are not kept
// any more is OUT_OF_RANGE.
func (f *feed) after(index uint64) ([]encoded, <-chan struct{}, error) {
	f.mu.Lock()
	changed, recent := f.changed, f.recent
	f.mu.Unlock()
	if len(recent) > 0 && recent[0].index <= index+1 {
		if skip := index + 1 - recent[0].index; skip < uint64(len(recent)) {
			return recent[skip:], changed, nil
		}
	}
	v := f.states.View()
	if err := checkKept(v, index); err != nil {
		return nil, nil, err
	}
	var batch []encoded
	for e := range v.Events(index) {
		batch = append(batch, encode(e))
		if len(batch) == catchUpBatch {
			break
		}
	}
	return batch, changed, nil
}

// catchUpBatch bounds what a watcher that is behind takes at once.
const catchUpBatch = 256

func checkKept(v fsm.View, index uint64) error {
	if first := v.FirstEvent(); index > 0 && index+1 < first {
		return &autoscaling.Error{
			Reason: autoscaling.OutOfRange, Field: "after_index",
			Message: "events are kept from index " + decimal(first) + " on; read the resources and watch from there",
		}
	}
	return nil
}
