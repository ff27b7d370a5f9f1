package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/client"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// watchNode is a node that tells events from its own list on and then ends.
type watchNode struct {
	pb.UnimplementedEventServiceServer
	events []*pb.Event
	end    error

	mu    sync.Mutex
	after []int64
}

func (n *watchNode) WatchEvents(r *pb.WatchEventsRequest, stream grpc.ServerStreamingServer[pb.Event]) error {
	n.mu.Lock()
	n.after = append(n.after, r.AfterIndex)
	n.mu.Unlock()
	for _, e := range n.events {
		if e.Index > r.AfterIndex {
			if err := stream.Send(e); err != nil {
				return err
			}
		}
	}
	return n.end
}

func watchCluster(t *testing.T, nodes map[string]*watchNode, addresses ...string) *client.Cluster {
	listeners := map[string]*bufconn.Listener{}
	for address, n := range nodes {
		listener := bufconn.Listen(1 << 16)
		listeners[address] = listener
		server := grpc.NewServer()
		pb.RegisterEventServiceServer(server, n)
		done := make(chan struct{})
		go func() { defer close(done); _ = server.Serve(listener) }()
		t.Cleanup(func() { server.Stop(); <-done })
	}
	c, err := client.New(client.Options{Addresses: addresses, Dial: func(ctx context.Context, address string) (net.Conn, error) {
		if l := listeners[address]; l != nil {
			return l.DialContext(ctx)
		}
		return nil, net.ErrClosed
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestFollowingGoesOnAtAnotherNodeWithoutGapOrRepeat(t *testing.T) {
	events := someEvents()
	dying := &watchNode{events: events[:2], end: status.Error(codes.Unavailable, "shutting down")}
	dyingLater := &watchNode{events: events[:4]} // its stream just ends
	last := &watchNode{events: events, end: status.Error(codes.Unavailable, "too")}
	c := watchCluster(t, map[string]*watchNode{"127.0.0.1:1": dying, "127.0.0.1:2": dyingLater, "127.0.0.1:4": last},
		"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4")
	var seen []int64
	err := follow(t.Context(), c, &pb.WatchEventsRequest{}, func(e *pb.Event) error {
		if seen = append(seen, e.Index); len(seen) == len(events) {
			return errEnough
		}
		return nil
	})
	if err != errEnough || len(seen) != 5 || seen[0] != 1 || seen[4] != 5 {
		t.Errorf("saw %v, %v", seen, err)
	}
	if dyingLater.after[0] != 2 || last.after[0] != 4 {
		t.Errorf("went on after %v and %v, want 2 and 4", dyingLater.after, last.after)
	}
}

func TestFollowingEndsWhenTheServerRefuses(t *testing.T) {
	n := &watchNode{end: refused(codes.OutOfRange, "OUT_OF_RANGE", "events after 3 are no longer kept")}
	c := watchCluster(t, map[string]*watchNode{"127.0.0.1:1": n}, "127.0.0.1:1")
	err := follow(t.Context(), c, &pb.WatchEventsRequest{AfterIndex: 3}, func(*pb.Event) error { return nil })
	if client.Reason(err) != "OUT_OF_RANGE" || exitCode(err) != exitConflict {
		t.Errorf("%v", err)
	}
}

// lockedBuffer is written by a command while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// eventually waits until the text is there.
func (l *lockedBuffer) eventually(t *testing.T, text string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !strings.Contains(l.String(), text) {
		if time.Now().After(deadline) {
			t.Fatalf("%q did not come; there is:\n%s", text, l.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// watching runs a command with -w against a fake whose watch is told events by
// the test, and answers what it writes and a function that ends it.
func watching(t *testing.T, terminal bool, change chan func(*fake), args ...string) (out, err *lockedBuffer, end func() int) {
	f := newFake(webTier()...)
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(srv any, stream grpc.ServerStream) error {
		if method, _ := grpc.MethodFromServerStream(stream); method != pb.EventService_WatchEvents_FullMethodName {
			return f.handle(srv, stream)
		}
		if err := stream.RecvMsg(&pb.WatchEventsRequest{}); err != nil {
			return err
		}
		for index := int64(1); ; index++ {
			select {
			case <-stream.Context().Done():
				return stream.Context().Err()
			case apply := <-change:
				f.mu.Lock()
				apply(f)
				f.mu.Unlock()
				if err := stream.SendMsg(&pb.Event{Index: index, Group: "web"}); err != nil {
					return err
				}
			}
		}
	}))
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-served })
	out, err = &lockedBuffer{}, &lockedBuffer{}
	ctx, cancel := context.WithCancel(t.Context())
	a := &app{
		in: strings.NewReader(""), out: out, err: err, outTerminal: terminal, env: func(string) string { return "" },
		now:  func() time.Time { return now },
		dial: func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) },
	}
	code := make(chan int, 1)
	go func() { code <- a.run(ctx, args) }()
	return out, err, func() int { cancel(); return <-code }
}

func setInstanceState(f *fake, id string, state pb.Instance_State) {
	i := f.find(webGroup + "/instances/" + id)
	m := proto.Clone(f.resources[i]).(*pb.Instance)
	m.State = state
	f.resources[i] = m
}

func TestWatchPrintsWhatChangesOffATerminal(t *testing.T) {
	change := make(chan func(*fake))
	out, errors, end := watching(t, false, change, "instance", "list", "web", "-w")
	out.eventually(t, "i-00000000000000002   PENDING")
	before := len(out.String())
	change <- func(f *fake) { setInstanceState(f, "i-00000000000000002", pb.Instance_IN_SERVICE) }
	out.eventually(t, "i-00000000000000002   IN_SERVICE")
	change <- func(f *fake) { _, _ = f.remove(instances, webGroup+"/instances/i-00000000000000001") }
	errors.eventually(t, "gone: instance/web/i-00000000000000001")
	if code := end(); code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
	if rest := out.String()[before:]; strings.Count(rest, "\n") != 1 || strings.Contains(rest, "NAME") {
		t.Errorf("after the first table:\n%s", rest)
	}
}

func TestWatchRedrawsOnATerminal(t *testing.T) {
	change := make(chan func(*fake))
	out, _, end := watching(t, true, change, "group", "get", "web", "--watch")
	out.eventually(t, "ACTIVE,LAUNCH_SUSPENDED")
	change <- func(f *fake) {
		m := proto.Clone(f.resources[f.find(webGroup)]).(*pb.Group)
		m.State = pb.Group_PAUSED
		f.resources[f.find(webGroup)] = m
	}
	out.eventually(t, "PAUSED")
	end()
	if n := strings.Count(out.String(), "\x1b[H\x1b[2JNAME"); n < 2 {
		t.Errorf("drawn %d times:\n%q", n, out.String())
	}
}

func TestWatchWritesDocumentsThatChange(t *testing.T) {
	change := make(chan func(*fake))
	out, _, end := watching(t, false, change, "instance", "list", "web", "-w", "-o", "json")
	out.eventually(t, `"state": "PENDING"`)
	change <- func(f *fake) { setInstanceState(f, "i-00000000000000002", pb.Instance_PENDING_WAIT) }
	out.eventually(t, `"state": "PENDING_WAIT"`)
	end()
	if n := strings.Count(out.String(), "\"name\": \""+webGroup+"/instances/i-00000000000000001"); n != 1 {
		t.Errorf("what did not change was written %d times:\n%s", n, out.String())
	}
}

func TestWatchEndsWith124AfterTheTimeout(t *testing.T) {
	for _, line := range []string{"group list -w --timeout 300ms", "event watch --timeout 300ms"} {
		if r := run(t, newFake(webTier()...), "", strings.Fields(line)...); r.code != exitTimedOut {
			t.Errorf("%s: exit code %d, stderr %q", line, r.code, r.err.String())
		}
	}
}
