package rpc

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// network loses all packets between the nodes while it is cut: connections stay
// open, nothing arrives, and none can be made. A connection that was cut once never
// works again, as one in a long retransmission back-off.
type network struct {
	cut  atomic.Bool
	mu   sync.Mutex
	open []*lossyConn
}

type lossyConn struct {
	net.Conn
	lost   chan struct{} // closed by the cut
	closed chan struct{}
	once   sync.Once
	losing sync.Once
}

func (n *network) lose() {
	n.cut.Store(true)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.open {
		c.losing.Do(func() { close(c.lost) })
	}
}

func (n *network) heal() { n.cut.Store(false) }

func (n *network) dial(ctx context.Context, to *testNode) (net.Conn, error) {
	if n.cut.Load() {
		<-ctx.Done() // no answer to the SYN
		return nil, ctx.Err()
	}
	conn, err := to.listen.DialContext(ctx)
	if err != nil {
		return nil, err
	}
	c := &lossyConn{Conn: conn, lost: make(chan struct{}), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open = append(n.open, c)
	return c, nil
}

func (c *lossyConn) isLost() bool {
	select {
	case <-c.lost:
		return true
	default:
		return false
	}
}

func (c *lossyConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.isLost() {
		<-c.closed
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *lossyConn) Write(b []byte) (int, error) {
	if c.isLost() {
		return len(b), nil // into the socket's buffer
	}
	return c.Conn.Write(b)
}

func (c *lossyConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	if c.isLost() {
		return nil // the other end does not hear of it
	}
	return c.Conn.Close()
}

// startLossy starts two nodes with a network in between that can lose everything.
func startLossy(t *testing.T) (*testCluster, *network) {
	t.Helper()
	n, started := new(network), make(chan *testCluster, 1)
	c := startCluster(t, 2, func(cfg *Config) {
		cfg.LeaderWait = 0 // the default
		cfg.DialOptions = append(cfg.DialOptions, grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			c := <-started
			started <- c
			return n.dial(ctx, c.nodes[slices.IndexFunc(c.nodes, func(to *testNode) bool { return to.id == address })])
		}))
	})
	started <- c
	return c, n
}

// TestCallsThroughAFollowerEndWhenPacketsVanish: while the way to the leader is cut
// reads and writes end in time and /readyz says so, and all is well again soon after
// the network is, although the old connection never is.
func TestCallsThroughAFollowerEndWhenPacketsVanish(t *testing.T) {
	c, network := startLossy(t)
	setUp(t, c.nodes[0])
	follower := c.nodes[1]
	client := follower.clients()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ok[*pb.Group](t)(client.GetGroup(ctx, &pb.GetGroupRequest{Name: web}))
	waitFor(t, func() bool { return follower.server.CallPath().Problem == "" })

	network.lose()
	// The caller's limit is a minute; what ends the calls is that nothing is heard.
	var read, write error
	var calls sync.WaitGroup
	calls.Go(func() { _, read = client.GetGroup(ctx, &pb.GetGroupRequest{Name: web}) })
	calls.Go(func() { _, write = client.PauseGroup(ctx, &pb.PauseGroupRequest{Name: web}) })
	calls.Wait()
	wantError(t, read, codes.Unavailable, autoscaling.NoLeader)
	wantError(t, write, codes.Unavailable, autoscaling.OutcomeUnknown)
	if problem := follower.server.CallPath().Problem; !strings.Contains(problem, "calls cannot be forwarded to the leader n1 at n1: ") {
		t.Errorf("the call path is said to be %q", problem)
	}
	if problem := c.nodes[0].server.CallPath().Problem; problem != "" {
		t.Errorf("the leader's own call path is said to be %q", problem)
	}

	network.heal()
	waitFor(t, func() bool { return follower.server.CallPath().Problem == "" })
	ok[*pb.Group](t)(client.GetGroup(ctx, &pb.GetGroupRequest{Name: web}))
	ok[*pb.Group](t)(client.PauseGroup(ctx, &pb.PauseGroupRequest{Name: web}))
}

// TestAReadIsRepeatedOnANewConnection: one that waits on a dead connection is not
// lost when the network is well again meanwhile.
func TestAReadIsRepeatedOnANewConnection(t *testing.T) {
	c, network := startLossy(t)
	setUp(t, c.nodes[0])
	client := c.nodes[1].clients()
	ok[*pb.Group](t)(client.GetGroup(context.Background(), &pb.GetGroupRequest{Name: web}))
	network.lose()
	network.heal() // new connections only
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ok[*pb.Group](t)(client.GetGroup(ctx, &pb.GetGroupRequest{Name: web}))
}
