package rpc

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func TestAnyNodeTakesEveryCall(t *testing.T) {
	c := startCluster(t, 3)
	api := setUp(t, c.nodes[2])
	ctx := metadata.AppendToOutgoingContext(context.Background(), headerPrincipal, "ann")
	c.serveAll()
	a := ok[*pb.Activity](t)(api.ExecuteRule(ctx, &pb.ExecuteRuleRequest{Name: web + "/rules/add-two"}))
	if a.GetTrigger().GetPrincipal() != "ann" {
		t.Errorf("the caller's headers stayed behind: %v", a.GetTrigger())
	}
	there := ok[*pb.Group](t)(c.nodes[0].clients().GetGroup(ctx, &pb.GetGroupRequest{Name: web}))
	here := ok[*pb.Group](t)(api.GetGroup(ctx, &pb.GetGroupRequest{Name: web}))
	if !proto.Equal(there, here) {
		t.Errorf("%v, at the leader %v", here, there)
	}
	_, err := api.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(99))})
	wantError(t, err, codes.OutOfRange, autoscaling.OutOfRange)
	_, err = api.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(-1))})
	wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument) // checked at the leader
}

func TestSamplesStreamToTheLeader(t *testing.T) {
	c := startCluster(t, 2)
	api := setUp(t, c.nodes[0])
	_ = api
	stream, err := c.nodes[1].clients().PutMetricsStream(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		batch := &pb.PutMetricsStreamRequest{Parent: web}
		for i := range 1000 {
			batch.Samples = append(batch.Samples, &pb.Sample{Metric: "cpu", Value: float64(i)})
		}
		if err := stream.Send(batch); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := stream.CloseAndRecv()
	if err != nil || answer.GetAccepted() != 3000 {
		t.Fatalf("%v %v", answer, err)
	}
	if n := len(c.nodes[0].samples.taken()); n != 3000 {
		t.Errorf("the leader took %d", n)
	}
	if n := len(c.nodes[1].samples.taken()); n != 0 {
		t.Errorf("the other node took %d", n)
	}
}

func TestAStreamsErrorComesBack(t *testing.T) {
	c := startCluster(t, 2)
	for _, n := range c.nodes {
		stream, err := n.clients().PutMetricsStream(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(&pb.PutMetricsStreamRequest{Parent: ns + "/groups/none", Samples: []*pb.Sample{{Metric: "cpu"}}}); err != nil {
			t.Fatal(err)
		}
		_, err = stream.CloseAndRecv()
		wantError(t, err, codes.NotFound, autoscaling.NotFound)
		stream, err = n.clients().PutMetricsStream(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(&pb.PutMetricsStreamRequest{Parent: web}); err != nil { // no samples
			t.Fatal(err)
		}
		_, err = stream.CloseAndRecv()
		wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
	}
}

func TestACallTakesOneHop(t *testing.T) {
	c := startCluster(t, 3)
	setUp(t, c.nodes[0])
	// n2 and n3 believe that the other leads.
	c.nodes[1].pretends.Store(&Leader{ID: "n3", GRPCAddress: "n3"})
	c.nodes[2].pretends.Store(&Leader{ID: "n2", GRPCAddress: "n2"})
	_, err := c.nodes[1].clients().GetGroup(context.Background(), &pb.GetGroupRequest{Name: web})
	wantError(t, err, codes.Unavailable, autoscaling.NoLeader)
	_, err = c.nodes[1].clients().PauseGroup(context.Background(), &pb.PauseGroupRequest{Name: web})
	wantError(t, err, codes.Unavailable, autoscaling.NoLeader)
	stream, err := c.nodes[1].clients().PutMetricsStream(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	_, err = stream.CloseAndRecv()
	wantError(t, err, codes.Unavailable, autoscaling.NoLeader)
}

func TestACallWaitsForALeader(t *testing.T) {
	c := startCluster(t, 3, func(cfg *Config) { cfg.LeaderWait = 10 * time.Second })
	setUp(t, c.nodes[0])
	c.lead(nil)
	var wg sync.WaitGroup
	for _, n := range c.nodes {
		wg.Go(func() {
			if _, err := n.clients().PauseGroup(context.Background(), &pb.PauseGroupRequest{Name: web}); err != nil {
				t.Errorf("%s: %v", n.id, err)
			}
			stream, err := n.clients().PutMetricsStream(context.Background())
			if err != nil {
				t.Error(err)
			} else if _, err := stream.CloseAndRecv(); err != nil {
				t.Errorf("%s: %v", n.id, err)
			}
		})
	}
	time.AfterFunc(100*time.Millisecond, func() { c.lead(c.nodes[1]) })
	wg.Wait()
}

func TestWithoutALeaderACallEndsWithNoLeader(t *testing.T) {
	c := startCluster(t, 2)
	setUp(t, c.nodes[0])
	c.lead(nil)
	start := time.Now()
	_, err := c.nodes[1].clients().PauseGroup(context.Background(), &pb.PauseGroupRequest{Name: web})
	wantError(t, err, codes.Unavailable, autoscaling.NoLeader)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("after %s", took)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	_, err = c.nodes[1].clients().PauseGroup(ctx, &pb.PauseGroupRequest{Name: web})
	wantError(t, err, codes.DeadlineExceeded, "")
}

func TestACallFollowsALeadThatIsLost(t *testing.T) {
	c := startCluster(t, 2)
	setUp(t, c.nodes[0])
	// n1 still believes that it leads: its writer refuses, and it finds out later.
	c.lead(c.nodes[1])
	c.nodes[0].pretends.Store(&Leader{ID: "n1", Self: true})
	time.AfterFunc(50*time.Millisecond, func() { c.nodes[0].pretends.Store(nil) })
	if _, err := c.nodes[0].clients().PauseGroup(context.Background(), &pb.PauseGroupRequest{Name: web}); err != nil {
		t.Error(err)
	}
}

// brokenCall makes a call at a node that forwards it, and breaks the connection to
// the leader while the leader's writer hangs, until release.
func brokenCall(t *testing.T, setUp func(*testCluster), call func(clients) error) (c *testCluster, result chan error, release func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c = startCluster(t, 2, func(cfg *Config) {
		cfg.DialOptions = append(cfg.DialOptions, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
		}))
	})
	setUp(c)
	var conns sync.Map
	go func() { _ = c.nodes[0].server.GRPC().Serve(&keptListener{listener, &conns}) }()
	writing, end := make(chan struct{}), make(chan struct{})
	go c.do(func(*fsm.Tx) error { close(writing); <-end; return nil })
	<-writing
	result = make(chan error, 1)
	go func() { result <- call(c.nodes[1].clients()) }()
	waitFor(t, func() bool { n := 0; conns.Range(func(any, any) bool { n++; return true }); return n > 0 })
	waitFor(t, func() bool { return c.waiting.Load() > 0 })
	conns.Range(func(conn, _ any) bool { _ = conn.(net.Conn).Close(); return true })
	return c, result, func() { close(end) }
}

// A leader that is lost with a mutation under way leaves its outcome unknown; a
// read is asked again.
func TestAConnectionThatBreaksAfterSending(t *testing.T) {
	c, result, release := brokenCall(t, func(c *testCluster) { setUp(t, c.nodes[0]) }, func(api clients) error {
		_, err := api.PauseGroup(context.Background(), &pb.PauseGroupRequest{Name: web})
		return err
	})
	wantError(t, <-result, codes.Unavailable, autoscaling.OutcomeUnknown)
	release()
	if _, err := c.nodes[1].clients().GetGroup(context.Background(), &pb.GetGroupRequest{Name: web}); err != nil {
		t.Errorf("the next call finds a new connection: %v", err)
	}
}

func TestAHeartbeatWhoseConnectionBreaksIsRecorded(t *testing.T) {
	var action *pb.LifecycleAction
	c, result, release := brokenCall(t, func(c *testCluster) {
		_, waiting, _ := setUpMoves(t, c)
		action = waiting[0]
		c.now.Add(int64(10 * time.Second / time.Microsecond))
	}, func(api clients) error {
		_, err := api.RecordLifecycleActionHeartbeat(context.Background(), &pb.RecordLifecycleActionHeartbeatRequest{Parent: web, Token: action.GetToken()})
		return err
	})
	release()
	if err := <-result; err != nil {
		t.Error(err)
	}
	now := ok[*pb.ListLifecycleActionsResponse](t)(c.nodes[0].clients().ListLifecycleActions(context.Background(), &pb.ListLifecycleActionsRequest{Parent: web})).GetLifecycleActions()[0]
	if moved := now.GetDeadline().AsTime().Sub(action.GetDeadline().AsTime()); now.GetToken() != action.GetToken() || moved < 10*time.Second || moved > 11*time.Second {
		t.Errorf("the deadline moved by %s: %v", moved, now)
	}
}

// A frozen leader resets no connection: its calls are given up once another has
// led for a while.
func TestCallsAtAFrozenLeaderAreGivenUp(t *testing.T) {
	c := startCluster(t, 3)
	setUp(t, c.nodes[0])
	writing, release := make(chan struct{}), make(chan struct{})
	go c.do(func(*fsm.Tx) error { close(writing); <-release; return nil })
	<-writing
	defer close(release)
	result := make(chan error, 1)
	go func() {
		_, err := c.nodes[1].clients().PauseGroup(context.Background(), &pb.PauseGroupRequest{Name: web})
		result <- err
	}()
	waitFor(t, func() bool { return c.waiting.Load() > 0 })
	c.nodes[1].pretends.Store(&Leader{ID: "n3", GRPCAddress: "n3"})
	wantError(t, <-result, codes.Unavailable, autoscaling.OutcomeUnknown)
}

func TestALeaderThatCannotBeReachedIsNoLeader(t *testing.T) {
	c := startCluster(t, 2)
	setUp(t, c.nodes[0])
	c.nodes[1].pretends.Store(&Leader{ID: "n9", GRPCAddress: "n9"})
	_, err := c.nodes[1].clients().PauseGroup(context.Background(), &pb.PauseGroupRequest{Name: web})
	wantError(t, err, codes.Unavailable, autoscaling.NoLeader)
}

type keptListener struct {
	net.Listener
	conns *sync.Map
}

func (l *keptListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.conns.Store(conn, true)
	}
	return conn, err
}

func waitFor(t testing.TB, holds func() bool) {
	t.Helper()
	for range 1000 {
		if holds() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("it never came")
}
