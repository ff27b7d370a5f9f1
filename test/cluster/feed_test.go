package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// feed is the event log as all nodes tell it. Whoever tells an event first is
// believed; whoever tells another one under the same index fails the test: an
// event that was seen once is committed, and no change of leader takes it back.
type feed struct {
	w      *world
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu      sync.Mutex
	events  map[int64]*pb.Event
	order   []*pb.Event // by index, as far as it came in
	changed chan struct{}
	traps   []*trap
}

// trap runs a function at the first event of its kind.
type trap struct {
	match func(*pb.Event) bool
	run   func(*pb.Event)
}

func follow(w *world) *feed {
	ctx, cancel := context.WithCancel(context.Background())
	f := &feed{w: w, cancel: cancel, events: map[int64]*pb.Event{}, changed: make(chan struct{})}
	for _, n := range w.Nodes {
		f.wait.Go(func() { f.follow(ctx, n) })
	}
	return f
}

func (f *feed) stop() {
	f.cancel()
	f.wait.Wait()
}

// follow reads one node's events, over its restarts.
func (f *feed) follow(ctx context.Context, n *nodes.Node) {
	after := int64(0)
	for ctx.Err() == nil {
		stream, err := pb.NewEventServiceClient(f.w.conns[n]).WatchEvents(ctx, &pb.WatchEventsRequest{AfterIndex: after})
		for err == nil {
			var e *pb.Event
			if e, err = stream.Recv(); err == nil {
				if e.Index <= after {
					f.w.Errorf("%s: event %d after event %d", n.ID, e.Index, after)
				}
				after = e.Index
				f.take(n, e)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (f *feed) take(n *nodes.Node, e *pb.Event) {
	f.mu.Lock()
	known := f.events[e.Index]
	if known != nil {
		f.mu.Unlock()
		if !proto.Equal(known, e) {
			f.w.Errorf("%s tells event %d otherwise: %v; it was %v", n.ID, e.Index, e, known)
		}
		return
	}
	f.events[e.Index] = e
	at, _ := slices.BinarySearchFunc(f.order, e, func(a, b *pb.Event) int { return int(a.Index - b.Index) })
	f.order = slices.Insert(f.order, at, e)
	close(f.changed)
	f.changed = make(chan struct{})
	var sprung []*trap
	f.traps = slices.DeleteFunc(f.traps, func(t *trap) bool {
		if t.match(e) {
			sprung = append(sprung, t)
			return true
		}
		return false
	})
	f.mu.Unlock()
	for _, t := range sprung {
		t.run(e)
	}
}

// last is the index of the newest event.
func (f *feed) last() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.order) == 0 {
		return 0
	}
	return f.order[len(f.order)-1].Index
}

// after are the events behind an index that match.
func (f *feed) after(index int64, match func(*pb.Event) bool) []*pb.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []*pb.Event
	for _, e := range f.order {
		if e.Index > index && match(e) {
			found = append(found, e)
		}
	}
	return found
}

// await waits for an event behind the index.
func (f *feed) await(index int64, what string, match func(*pb.Event) bool) *pb.Event {
	f.w.Helper()
	return f.awaitWithin(patience, index, what, match)
}

func (f *feed) awaitWithin(limit time.Duration, index int64, what string, match func(*pb.Event) bool) *pb.Event {
	f.w.Helper()
	deadline := time.After(limit)
	for {
		f.mu.Lock()
		changed := f.changed
		f.mu.Unlock()
		if found := f.after(index, match); len(found) > 0 {
			return found[0]
		}
		select {
		case <-changed:
		case <-deadline:
			f.w.Fatalf("no event %q within %s", what, limit)
		}
	}
}

// on springs once, at the next event that matches, in the goroutine that read it.
func (f *feed) on(match func(*pb.Event) bool, run func(*pb.Event)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.traps = append(f.traps, &trap{match, run})
}

func (f *feed) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for _, e := range f.order {
		fmt.Fprintln(&b, line(e))
	}
	return b.String()
}

// line is an event for people.
func line(e *pb.Event) string {
	what := e.Type.String()
	switch e.Type {
	case pb.Event_INSTANCE_STATE:
		what += " " + e.State.String()
	case pb.Event_INSTANCE_STEP:
		what += " " + e.Step
	}
	return fmt.Sprintf("%5d %s %-10s %-40s %s activity=%s %s %v %s", e.Index, e.Time.AsTime().Format("15:04:05.000"), e.Group, what, e.Instance, e.Activity, e.Subject, e.Attributes, e.Message)
}

// Matchers.

func of(group string, t pb.Event_Type) func(*pb.Event) bool {
	return func(e *pb.Event) bool { return e.Group == group && e.Type == t }
}

func state(group string, s pb.Instance_State) func(*pb.Event) bool {
	return func(e *pb.Event) bool {
		return e.Group == group && e.Type == pb.Event_INSTANCE_STATE && e.State == s
	}
}

func step(group, name string) func(*pb.Event) bool {
	return func(e *pb.Event) bool {
		return e.Group == group && e.Type == pb.Event_INSTANCE_STEP && e.Step == name
	}
}

// about narrows a matcher to a rule, task or alarm.
func about(subject string, match func(*pb.Event) bool) func(*pb.Event) bool {
	return func(e *pb.Event) bool { return match(e) && e.Subject == subject }
}

// attribute narrows a matcher.
func attribute(match func(*pb.Event) bool, key, value string) func(*pb.Event) bool {
	return func(e *pb.Event) bool { return match(e) && e.Attributes[key] == value }
}
