package rpc

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// emit appends events of a group.
func (c *testCluster) emit(namespace, group string, n int) {
	c.do(func(tx *fsm.Tx) error {
		for range n {
			tx.Emit(autoscaling.Event{Type: autoscaling.EventGroupUpdated, Namespace: namespace, GroupID: group, Message: "m"})
		}
		return nil
	})
}

func watch(t testing.TB, n *testNode, req *pb.WatchEventsRequest) (grpc.ServerStreamingClient[pb.Event], context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	stream, err := n.clients().WatchEvents(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	if header, err := stream.Header(); err != nil || len(header.Get(headerAppliedIndex)) != 1 {
		t.Fatalf("%v %v", header, err)
	}
	return stream, cancel
}

func next(t testing.TB, stream grpc.ServerStreamingClient[pb.Event], n int) []*pb.Event {
	t.Helper()
	var all []*pb.Event
	for range n {
		e, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestAWatchShowsEveryEventInOrderFromAnyNode(t *testing.T) {
	c := startCluster(t, 2)
	for _, n := range c.nodes {
		stream, _ := watch(t, n, &pb.WatchEventsRequest{})
		before := int64(n.View().LastEvent())
		c.emit("default", "web", 10)
		c.emit("default", "web", 300) // more than a catch-up batch
		for i, e := range next(t, stream, int(before)+310) {
			if e.GetIndex() != int64(i+1) {
				t.Fatalf("%s: event %d has index %d", n.id, i, e.GetIndex())
			}
		}
	}
}

func TestAWatchGoesOnFromAnIndex(t *testing.T) {
	c := startCluster(t, 2)
	c.emit("default", "web", 20)
	stream, cancel := watch(t, c.nodes[0], &pb.WatchEventsRequest{AfterIndex: 5})
	last := next(t, stream, 7)[6].GetIndex()
	cancel()
	// At another node.
	stream, _ = watch(t, c.nodes[1], &pb.WatchEventsRequest{AfterIndex: last})
	if e := next(t, stream, 8); last != 12 || e[0].GetIndex() != 13 || e[7].GetIndex() != 20 {
		t.Errorf("after %d: %v", last, e)
	}
	// Only what happens from now on.
	stream, _ = watch(t, c.nodes[1], &pb.WatchEventsRequest{AfterIndex: -1})
	c.emit("default", "web", 1)
	if e := next(t, stream, 1); e[0].GetIndex() != 21 {
		t.Errorf("%v", e)
	}
}

func TestAWatchShowsItsNamespaceAndGroup(t *testing.T) {
	c := startCluster(t, 1)
	for range 3 {
		c.emit("default", "web", 1)   // 1 5 9
		c.emit("default", "other", 1) // 2 6 10
		c.emit("prod", "web", 1)      // 3 7 11
		c.emit("", "", 1)             // 4 8 12
	}
	for _, test := range []struct {
		req  *pb.WatchEventsRequest
		want []int64
	}{
		{&pb.WatchEventsRequest{}, []int64{1, 2, 4, 5, 6, 8, 9, 10, 12}},
		{&pb.WatchEventsRequest{Namespace: "default", Group: "web"}, []int64{1, 5, 9}},
		{&pb.WatchEventsRequest{Namespace: "prod"}, []int64{3, 4, 7, 8, 11, 12}},
		{&pb.WatchEventsRequest{Namespace: "-", AfterIndex: 8}, []int64{9, 10, 11, 12}},
	} {
		stream, _ := watch(t, c.nodes[0], test.req)
		var got []int64
		for _, e := range next(t, stream, len(test.want)) {
			got = append(got, e.GetIndex())
		}
		if fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%v: %v, want %v", test.req, got, test.want)
		}
	}
}

func TestAWatchOfWhatIsNotKeptIsOutOfRange(t *testing.T) {
	c := startCluster(t, 1)
	for range 11 {
		c.emit("default", "web", fsm.MaxEvents/10)
	}
	first := c.nodes[0].View().FirstEvent()
	if first < 2 {
		t.Fatal("nothing was compacted")
	}
	recv := func(after int64) (*pb.Event, error) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stream, err := c.nodes[0].clients().WatchEvents(ctx, &pb.WatchEventsRequest{AfterIndex: after})
		if err != nil {
			return nil, err
		}
		return stream.Recv()
	}
	_, err := recv(1)
	wantError(t, err, codes.OutOfRange, autoscaling.OutOfRange)
	for _, after := range []int64{0, int64(first) - 1} {
		if e, err := recv(after); err != nil || e.GetIndex() != int64(first) {
			t.Errorf("after %d: %v %v", after, e, err)
		}
	}
	_, err = recv(-2)
	wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
}

func TestAThousandWatchersSeeTheSame(t *testing.T) {
	const watchers, events = 1000, 50
	c := startCluster(t, 1)
	var wg, standing sync.WaitGroup
	standing.Add(watchers)
	for range watchers {
		stream, _ := watch(t, c.nodes[0], &pb.WatchEventsRequest{AfterIndex: -1})
		wg.Go(func() {
			standing.Done()
			for i := range events {
				e, err := stream.Recv()
				if err != nil || e.GetIndex() != int64(i+1) {
					t.Errorf("event %d: %v %v", i, e, err)
					return
				}
			}
		})
	}
	standing.Wait()
	for range events {
		c.emit("default", "web", 1)
	}
	wg.Wait()
}

func TestWatchesEndWithTheNode(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	c := startCluster(t, 1)
	other, err := New(Config{Node: c.nodes[0]})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- other.Run(ctx) }()
	watching := make(chan error, 1)
	go func() {
		watching <- eventService{Server: other}.WatchEvents(&pb.WatchEventsRequest{}, sink{ctx: context.Background()})
	}()
	waitFor(t, func() bool { other.feed.mu.Lock(); defer other.feed.mu.Unlock(); return other.feed.watchers == 1 })
	stop()
	if err := <-watching; !isNoLeader(err) {
		t.Errorf("%v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// sink is a stream that takes everything.
type sink struct {
	grpc.ServerStreamingServer[pb.Event]
	ctx context.Context
}

func (s sink) Context() context.Context     { return s.ctx }
func (s sink) SendHeader(metadata.MD) error { return nil }
func (s sink) SendMsg(any) error            { return nil }

func TestTheFeedKeepsUpWhateverHappens(t *testing.T) {
	c := startCluster(t, 1)
	f := newFeed(c.nodes[0])
	leave, _ := f.join(netip.Addr{})
	defer leave()
	var seen []uint64
	read := func() {
		for after := uint64(len(seen)); ; {
			events, _, err := f.after(after)
			if err != nil {
				t.Fatal(err)
			}
			if len(events) == 0 {
				return
			}
			for _, e := range events {
				seen = append(seen, e.index)
			}
			after = events[len(events)-1].index
		}
	}
	for _, n := range []int{1, 3, recentEvents + 5, 2, recentEvents, recentEvents, recentEvents, 1} {
		c.emit("default", "web", n)
		f.advance()
		if len(f.recent) > 2*recentEvents {
			t.Fatalf("%d events are kept encoded", len(f.recent))
		}
		read()
	}
	for i, index := range seen {
		if index != uint64(i+1) {
			t.Fatalf("event %d has index %d", i, index)
		}
	}
	if last := c.nodes[0].View().LastEvent(); uint64(len(seen)) != last {
		t.Errorf("%d of %d", len(seen), last)
	}
}
