package intake

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Limits bound the connections of a listener. A limit of 0 is none.
type Limits struct {
	// Total bounds the open connections; what comes above it waits in the kernel's
	// queue until one is closed.
	Total int
	// PerSource bounds the open connections from one source: an IPv4 address, or
	// the /64 network of an IPv6 address. What comes above it is closed at once, so
	// that one source cannot take what is there for all.
	PerSource int
}

// Listener is a listener that keeps to its limits.
type Listener struct {
	net.Listener
	limits  Limits
	budget  *Budget // nil: bytes are not counted
	refused func()
	room    chan struct{} // nil: no limit
	closed  chan struct{}
	once    sync.Once

	mu      sync.Mutex
	sources map[netip.Prefix]int // open connections
}

// Listen bounds l. A connection counts what it reads against budget, if there is
// one, until Conn.Clear. refused, if not nil, is called for each connection that
// is closed for its source.
func Listen(l net.Listener, limits Limits, budget *Budget, refused func()) *Listener {
	b := &Listener{
		Listener: l, limits: limits, budget: budget, refused: refused,
		closed: make(chan struct{}), sources: map[netip.Prefix]int{},
	}
	if limits.Total > 0 {
		b.room = make(chan struct{}, limits.Total)
	}
	return b
}

// Accept returns the next connection that is within the limits.
func (l *Listener) Accept() (net.Conn, error) {
	if l.room != nil {
		select {
		case l.room <- struct{}{}:
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
	for { // ends with a connection, or the listener
		conn, err := l.Listener.Accept()
		if err != nil {
			l.leave()
			return nil, err
		}
		source := sourceOf(conn.RemoteAddr())
		if !l.enter(source) {
			_ = conn.Close() // nothing was sent: there is nothing to lose
			if l.refused != nil {
				l.refused()
			}
			continue
		}
		return l.wrap(conn, source), nil
	}
}

func (l *Listener) wrap(conn net.Conn, source netip.Prefix) net.Conn {
	c := &Conn{budget: l.budget, done: func() { l.exit(source); l.leave() }}
	l.budget.add(c)
	if tcp, ok := conn.(*net.TCPConn); ok && l.budget == nil {
		c.Conn = tcp
		return &tcpConn{TCPConn: tcp, conn: c}
	}
	c.Conn = conn
	return c
}

// Close ends Accept.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func (l *Listener) leave() {
	if l.room != nil {
		<-l.room
	}
}

func (l *Listener) enter(source netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limits.PerSource > 0 && l.sources[source] >= l.limits.PerSource {
		return false
	}
	l.sources[source]++
	return true
}

func (l *Listener) exit(source netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sources[source]--; l.sources[source] <= 0 {
		delete(l.sources, source)
	}
}

// sourceOf returns what connections are counted by; the zero prefix for an
// address that is not an IP address.
func sourceOf(address net.Addr) netip.Prefix {
	if address == nil {
		return netip.Prefix{}
	}
	parsed, err := netip.ParseAddrPort(address.String())
	if err != nil {
		return netip.Prefix{}
	}
	ip := parsed.Addr().Unmap().WithZone("")
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	prefix, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

// Conn is a connection of a Listener. Its reads count as held until Clear or
// Release, and for at most as long as it is open.
type Conn struct {
	net.Conn
	budget *Budget
	done   func()
	once   sync.Once
	held   atomic.Int64
	closed atomic.Bool
}

// Read reads, and counts what it read.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.Hold(int64(n))
	}
	return n, err
}

// SetWriteBuffer bounds what the kernel keeps of what the other end does not take.
func (c *Conn) SetWriteBuffer(bytes int) {
	if c == nil {
		return
	}
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(bytes) // a smaller buffer is a saving, not a need
	}
}

// Close closes the connection and gives back what it held.
func (c *Conn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.closed.Store(true)
		c.budget.remove(c)
		c.done()
	})
	return err
}

// tcpConn keeps the methods of a TCP connection: splicing and half-closing.
type tcpConn struct {
	*net.TCPConn
	conn *Conn
}

func (c *tcpConn) Close() error { return c.conn.Close() }
