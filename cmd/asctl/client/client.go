// Package client is asctl's connection to a cluster: several addresses that
// behave as one. A call is tried at one node after another until one answers,
// and only where trying again cannot do anything twice.
package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// DefaultPort is asserver's gRPC port.
const DefaultPort = "7400"

const (
	// connectPatience is how long one address may take to accept a connection
	// before the next is tried.
	connectPatience = 2 * time.Second
	// callPatience is how long a call is tried unless Options.Timeout says else.
	callPatience = 15 * time.Second
	// deadPatience is how long nodes that refuse connections are tried: a node that
	// restarts is back by then, and a wrong address should be told soon.
	deadPatience = 2 * time.Second
	maxMessage   = 64 << 20
)

// Options say where the cluster is and how to talk to it.
type Options struct {
	// Addresses are host or host:port, tried in order.
	Addresses []string
	// TLS is nil for plain connections.
	TLS   *tls.Config
	Token string
	// Timeout bounds each call with all its attempts; 0: 15 s, and 2 s when no
	// address accepts connections.
	Timeout time.Duration
	// RequestID is used for the first change; further ones get it with a number.
	// Empty: each gets a random one.
	RequestID string
	// DryRun has every change checked, not made.
	DryRun bool
	// Notice hears, once, that a call takes several attempts.
	Notice func(string)
	// Dial replaces the network in tests.
	Dial func(context.Context, string) (net.Conn, error)
}

// Cluster is a grpc.ClientConnInterface over all addresses. It is safe for
// concurrent use.
type Cluster struct {
	options Options
	nodes   []node

	mu      sync.Mutex
	current int // the node that answered last
	changes int // requests that got an id
	noticed bool
}

type node struct {
	address string
	conn    *grpc.ClientConn
}

// New prepares the connections; none is made before the first call.
func New(o Options) (*Cluster, error) {
	c := &Cluster{options: o}
	dialOptions := []grpc.DialOption{
		grpc.WithTransportCredentials(transport(o.TLS)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: connectPatience,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
	}
	if o.Dial != nil {
		dialOptions = append(dialOptions, grpc.WithContextDialer(o.Dial))
	}
	for _, address := range o.Addresses {
		address = withPort(address)
		conn, err := grpc.NewClient(address, dialOptions...)
		if err != nil {
			_ = c.Close()
			return nil, fmt.Errorf("address %q: %w", address, err)
		}
		c.nodes = append(c.nodes, node{address: address, conn: conn})
	}
	return c, nil
}

// Close ends the connections.
func (c *Cluster) Close() error {
	for _, n := range c.nodes {
		_ = n.conn.Close()
	}
	return nil
}

// NewStream opens a stream at the first node that accepts connections, beginning
// with the one that answered last. It does not follow a stream that breaks: only
// the caller knows where to go on.
func (c *Cluster) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx = c.authorize(ctx)
	var err error
	for range c.nodes {
		n := c.node()
		connect(ctx, n.conn)
		var stream grpc.ClientStream
		if stream, err = n.conn.NewStream(ctx, desc, method, opts...); err == nil {
			return stream, nil
		}
		n.conn.ResetConnectBackoff()
		c.Next()
	}
	return nil, unreachable(c.addresses(), err)
}

// Next makes another node the one to begin with.
func (c *Cluster) Next() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = (c.current + 1) % len(c.nodes)
}

func (c *Cluster) node() node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[c.current]
}

func (c *Cluster) addresses() []string {
	var found []string
	for _, n := range c.nodes {
		found = append(found, n.address)
	}
	return found
}

// connect says whether the connection is up, and gives it a moment to come up.
func connect(ctx context.Context, conn *grpc.ClientConn) bool {
	ctx, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	conn.Connect()
	for {
		state := conn.GetState()
		switch state {
		case connectivity.Ready:
			return true
		case connectivity.TransientFailure, connectivity.Shutdown:
			return false
		}
		if !conn.WaitForStateChange(ctx, state) {
			return false
		}
	}
}

func transport(config *tls.Config) credentials.TransportCredentials {
	if config == nil {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(config)
}

func withPort(address string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(address, DefaultPort)
}
