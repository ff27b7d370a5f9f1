package cluster

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/peer"
)

// stream is Raft's share of the node's listener, and how Raft dials. It keeps
// all connections, because Raft's transport leaves them open when it closes.
type stream struct {
	mux     *peer.Mux
	open    func() bool // whether this node takes part in Raft
	dial    func(ctx context.Context, address string) (net.Conn, error)
	ready   *ready
	address address

	stop chan struct{} // closed by Close

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
	silent bool // nothing is sent and nothing accepted
}

// address is the advertised one: Raft tells it to the others as its own.
type address string

func (a address) Network() string { return "tcp" }
func (a address) String() string  { return string(a) }

func newStream(mux *peer.Mux, dial func(context.Context, string) (net.Conn, error), advertised string, open func() bool) *stream {
	return &stream{
		mux: mux, open: open, dial: dial, ready: newReady(dial), address: address(advertised),
		stop: make(chan struct{}), conns: map[net.Conn]struct{}{},
	}
}

// Accept returns the next connection of another node, or of this one, while this
// node takes part; others are closed.
func (s *stream) Accept() (net.Conn, error) {
	for {
		conn, err := s.mux.AcceptRaft(s.stop)
		if err != nil {
			return nil, err
		}
		if _, own := conn.(*ownEnd); !own && !s.open() {
			conn.Close()
			continue
		}
		if conn, err = s.keep(conn); err != errSilent {
			return conn, err
		}
	}
}

// ownEnd is the far end of a connection of this node to itself.
type ownEnd struct{ net.Conn }

var errShut = errors.New("this node does not take part in Raft")

func (s *stream) Addr() net.Addr { return s.address }

// Dial connects to a node; to this one without a network between, so that it
// works whatever stands before the advertised address.
func (s *stream) Dial(to raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	if string(to) == string(s.address) {
		near, far := net.Pipe()
		s.mux.Offer(&ownEnd{far})
		return s.keep(near)
	}
	if s.isSilent() {
		return nil, errSilent
	}
	if !s.open() {
		return nil, errShut
	}
	if conn := s.ready.take(string(to)); conn != nil {
		return s.keepTo(conn, string(to))
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := s.dial(ctx, string(to))
	if err != nil {
		return nil, err
	}
	return s.keepTo(conn, string(to))
}

// keepReady keeps connections to the nodes that are up, until ctx ends. A node
// that takes no part has none.
func (s *stream) keepReady(ctx context.Context, peers *peer.Service) {
	s.ready.keep(ctx, func() []string {
		var up []string
		for _, p := range peers.Peers() {
			if p.Up && s.open() && !s.isSilent() {
				up = append(up, p.Address)
			}
		}
		return up
	})
}

func (s *stream) keep(conn net.Conn) (net.Conn, error) { return s.keepTo(conn, "") }

// keepTo keeps a connection that was dialled to the address.
func (s *stream) keepTo(conn net.Conn, to string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return nil, net.ErrClosed
	}
	if s.silent {
		conn.Close()
		return nil, errSilent
	}
	k := &kept{Conn: conn, by: s, to: to}
	s.conns[k] = struct{}{}
	return k, nil
}

var errSilent = errors.New("this node takes no part in the cluster")

// silence ends all connections, and keeps new ones from being made, until it is
// called with false.
func (s *stream) silence(on bool) {
	s.mu.Lock()
	s.silent = on
	var conns []net.Conn
	if on {
		for c := range s.conns {
			conns = append(conns, c)
		}
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}

func (s *stream) isSilent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.silent
}

// closeTo ends the connections that were dialled to the address. What Raft waits
// for on them fails.
func (s *stream) closeTo(address string) {
	s.mu.Lock()
	var conns []net.Conn
	for c := range s.conns {
		if c.(*kept).to == address {
			conns = append(conns, c)
		}
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.Close()
	}
}

// drop ends all connections that there are.
func (s *stream) drop() {
	s.mu.Lock()
	conns := s.conns
	s.conns = map[net.Conn]struct{}{}
	s.mu.Unlock()
	for c := range conns {
		c.Close()
	}
}

// Close ends all connections and accepts no more.
func (s *stream) Close() error {
	s.mu.Lock()
	if !s.closed {
		close(s.stop)
	}
	s.closed = true
	s.mu.Unlock()
	s.drop()
	return nil
}

// kept forgets itself when it is closed.
type kept struct {
	net.Conn
	by *stream
	to string // the address dialled; empty: it was accepted
}

func (k *kept) Close() error {
	k.by.mu.Lock()
	delete(k.by.conns, k)
	k.by.mu.Unlock()
	return k.Conn.Close()
}
