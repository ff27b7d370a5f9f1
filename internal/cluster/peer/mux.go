package peer

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// The first byte of each connection to a Raft address.
const (
	PrefaceRaft byte = 'R'
	PrefacePeer byte = 'P'
)

// prefaceTimeout bounds how long a connection may stay silent at its start.
const prefaceTimeout = 5 * time.Second

// Mux hands the connections of one listener to Raft or to the peer service, by
// their first byte.
type Mux struct {
	listener   net.Listener
	raft, peer *side
	wg         sync.WaitGroup
}

// NewMux wraps a listener. Nothing is accepted before Run.
func NewMux(l net.Listener) *Mux {
	return &Mux{listener: l, raft: newSide(l.Addr()), peer: newSide(l.Addr())}
}

// Raft and Peer are the two listeners behind the one.
func (m *Mux) Raft() net.Listener { return m.raft }
func (m *Mux) Peer() net.Listener { return m.peer }

// Offer hands a connection to Raft's side without a network between.
func (m *Mux) Offer(conn net.Conn) { m.raft.offer(conn) }

// AcceptRaft is Raft's Accept until stop is closed.
func (m *Mux) AcceptRaft(stop <-chan struct{}) (net.Conn, error) {
	select {
	case conn := <-m.raft.conns:
		return conn, nil
	case <-m.raft.closed:
	case <-stop:
	}
	return nil, net.ErrClosed
}

// Run accepts until ctx ends, then closes the listener.
func (m *Mux) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { m.listener.Close() })
	defer stop()
	defer m.wg.Wait()
	defer m.raft.Close()
	defer m.peer.Close()
	for {
		conn, err := m.listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		if err != nil {
			// Out of descriptors, or the client gave up: neither is cured by trying at once.
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
			}
			continue
		}
		m.wg.Go(func() { m.sort(ctx, conn) })
	}
}

func (m *Mux) sort(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	var preface [1]byte
	conn.SetReadDeadline(time.Now().Add(prefaceTimeout))
	_, err := conn.Read(preface[:])
	if !stop() || err != nil {
		conn.Close()
		return
	}
	conn.SetReadDeadline(time.Time{})
	switch preface[0] {
	case PrefaceRaft:
		m.raft.offer(conn)
	case PrefacePeer:
		m.peer.offer(conn)
	default:
		conn.Close()
	}
}

// side is a net.Listener fed by the Mux.
type side struct {
	address net.Addr
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func newSide(address net.Addr) *side {
	return &side{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (s *side) offer(conn net.Conn) {
	select {
	case s.conns <- conn:
	case <-s.closed:
		conn.Close()
	}
}

func (s *side) Accept() (net.Conn, error) {
	select {
	case conn := <-s.conns:
		return conn, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *side) Close() error {
	s.once.Do(func() { close(s.closed) })
	return nil
}

func (s *side) Addr() net.Addr { return s.address }
