package cluster

import (
	"context"
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
	network Network
	address address

	mu     sync.Mutex
	conns  map[net.Conn]struct{}
	closed bool
}

// address is the advertised one: Raft tells it to the others as its own.
type address string

func (a address) Network() string { return "tcp" }
func (a address) String() string  { return string(a) }

func newStream(mux *peer.Mux, network Network, advertised string) *stream {
	return &stream{mux: mux, network: network, address: address(advertised), conns: map[net.Conn]struct{}{}}
}

func (s *stream) Accept() (net.Conn, error) {
	conn, err := s.mux.Raft().Accept()
	if err != nil {
		return nil, err
	}
	return s.keep(conn)
}

func (s *stream) Addr() net.Addr { return s.address }

// Dial connects to a node; to this one without a network between, so that it
// works whatever stands before the advertised address.
func (s *stream) Dial(to raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	if string(to) == string(s.address) {
		near, far := net.Pipe()
		s.mux.Offer(far)
		return s.keep(near)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := s.network.Dial(ctx, string(to))
	if err != nil {
		return nil, err
	}
	conn.SetWriteDeadline(time.Now().Add(timeout))
	if _, err := conn.Write([]byte{peer.PrefaceRaft}); err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetWriteDeadline(time.Time{})
	return s.keep(conn)
}

func (s *stream) keep(conn net.Conn) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return nil, net.ErrClosed
	}
	k := &kept{Conn: conn, by: s}
	s.conns[k] = struct{}{}
	return k, nil
}

// Close ends all connections.
func (s *stream) Close() error {
	s.mu.Lock()
	s.closed = true
	conns := s.conns
	s.conns = map[net.Conn]struct{}{}
	s.mu.Unlock()
	for c := range conns {
		c.Close()
	}
	return s.mux.Raft().Close()
}

// kept forgets itself when it is closed.
type kept struct {
	net.Conn
	by *stream
}

func (k *kept) Close() error {
	k.by.mu.Lock()
	delete(k.by.conns, k)
	k.by.mu.Unlock()
	return k.Conn.Close()
}
