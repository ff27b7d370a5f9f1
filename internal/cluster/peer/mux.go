package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Mux makes the handshake with what connects to one listener, and hands what
// has proved itself to Raft or to the peer service.
type Mux struct {
	listener   net.Listener
	channel    *Channel
	doors      *doors
	log        hclog.Logger
	raft, peer *side
	wg         sync.WaitGroup

	mu     sync.Mutex
	logged time.Time // when a refusal was logged last
}

// NewMux wraps a listener. Nothing is accepted before Run.
func NewMux(l net.Listener, channel *Channel, log hclog.Logger) *Mux {
	return &Mux{
		listener: l, channel: channel, doors: newDoors(defaultLimits), log: log,
		raft: newSide(l.Addr()), peer: newSide(l.Addr()),
	}
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
	defer m.listener.Close() // before Run returns, whatever AfterFunc has done by then
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
		s := m.doors.admit(conn)
		m.wg.Go(func() { m.receive(ctx, s) })
	}
}

// receive makes the handshake and hands the connection on.
func (m *Mux) receive(ctx context.Context, s *stranger) {
	conn, err := m.channel.accept(ctx, s)
	if err != nil {
		m.doors.turnAway(s)
		m.refused(s, err)
		return
	}
	if !m.doors.welcome(s, conn) {
		conn.Close()
		m.log.Warn("refused a node: as many nodes are connected as may be", "node", conn.Other.Node, "limit", m.doors.limits.nodes)
		return
	}
	if conn.Kind == KindRaft {
		m.raft.offer(conn)
	} else {
		m.peer.offer(conn)
	}
}

// refusedLogging is the least time between two log lines about refusals: what
// floods the port must not fill the log.
const refusedLogging = 10 * time.Second

// refused logs why a connection was refused, where a person can do something
// about it. What hangs up, is silent or says nothing that makes sense is not
// worth a line.
func (m *Mux) refused(s *stranger, err error) {
	var refusal *RefusedError
	var noTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &refusal):
	case errors.As(err, &noTLS) && (noTLS.RecordHeader[0] == byte(KindRaft) || noTLS.RecordHeader[0] == byte(KindPeer)):
		err = errors.New("it speaks in the clear as asserver did before: run the same version of asserver on all nodes")
	default:
		m.log.Debug("a connection ended before it had proved itself", "source", s.source, "error", err)
		return
	}
	m.mu.Lock()
	due := m.logged.IsZero() || time.Since(m.logged) >= refusedLogging
	if due {
		m.logged = time.Now()
	}
	m.mu.Unlock()
	if due {
		m.log.Warn("refused a connection to the raft address", "source", s.source, "error", err)
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
