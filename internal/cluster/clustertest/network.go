package clustertest

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"
)

// Network is a network in memory. Addresses are any host:port; a host is known
// by the name that its part of the network was made for (Host).
//
// A cut between two hosts is like a cable pulled out: what was sent waits, new
// connections hang, nothing is reset. A broken link refuses and resets instead.
type Network struct {
	mu        sync.Mutex
	changed   chan struct{} // closed and replaced when links or listeners change
	listeners map[string]*listener
	cut       map[pair]bool
	broken    map[pair]bool
	conns     map[*pipe]struct{}
}

// pair is a direction: from dials to.
type pair struct{ from, to string }

// NewNetwork makes a network without hosts.
func NewNetwork() *Network {
	return &Network{
		changed:   make(chan struct{}),
		listeners: map[string]*listener{},
		cut:       map[pair]bool{},
		broken:    map[pair]bool{},
		conns:     map[*pipe]struct{}{},
	}
}

// Host is the network as one host sees it.
func (n *Network) Host(name string) *Host { return &Host{net: n, name: name} }

// Host implements cluster.Network. It is one run of a process: after Kill it
// reaches nobody, and the next run needs a Host of its own.
type Host struct {
	net  *Network
	name string
	dead bool
}

// Listen listens; one listener at an address.
func (h *Host) Listen(address string) (net.Listener, error) {
	n := h.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[address] != nil {
		return nil, fmt.Errorf("listen %s: %w", address, syscall.EADDRINUSE)
	}
	l := &listener{host: h, address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[address] = l
	return l, nil
}

// Dial connects, hangs while the way is cut, and is refused when nobody listens
// or the link is broken.
func (h *Host) Dial(ctx context.Context, address string) (net.Conn, error) {
	n := h.net
	for {
		n.mu.Lock()
		l, changed := n.listeners[address], n.changed
		var near, far *pipe
		switch {
		case l == nil || h.dead || n.broken[pair{h.name, l.host.name}]:
			n.mu.Unlock()
			return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
		case !n.cut[pair{h.name, l.host.name}]:
			near, far = newPipes(n, h.name, l.host.name, l.address)
			n.conns[near], n.conns[far] = struct{}{}, struct{}{}
		}
		n.mu.Unlock()
		if near == nil { // cut
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return nil, fmt.Errorf("dial %s: %w", address, ctx.Err())
			}
		}
		select {
		case l.conns <- far:
			return near, nil
		case <-l.closed:
			near.Close()
			return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
		case <-ctx.Done():
			near.Close()
			return nil, fmt.Errorf("dial %s: %w", address, ctx.Err())
		}
	}
}

// Cut pulls the cable between two hosts, both ways.
func (n *Network) Cut(a, b string) { n.set(n.cut, a, b, true) }

// Break makes from unable to reach to: its connections are reset, new ones
// refused. The other direction works on.
func (n *Network) Break(from, to string) {
	n.mu.Lock()
	n.broken[pair{from, to}] = true
	var hit []*pipe
	for p := range n.conns {
		if p.dialer == from && p.listener == to {
			hit = append(hit, p)
		}
	}
	n.touch()
	n.mu.Unlock()
	for _, p := range hit {
		p.reset()
	}
}

// Heal makes every way work again.
func (n *Network) Heal() {
	n.mu.Lock()
	clear(n.cut)
	clear(n.broken)
	n.touch()
	n.mu.Unlock()
}

// Kill is what the death of the host's process does: its listeners go, all its
// connections are reset.
func (h *Host) Kill() {
	n := h.net
	n.mu.Lock()
	h.dead = true
	for address, l := range n.listeners {
		if l.host == h {
			delete(n.listeners, address)
			l.once.Do(func() { close(l.closed) })
		}
	}
	var hit []*pipe
	for p := range n.conns {
		if p.dialer == h.name || p.listener == h.name {
			hit = append(hit, p)
		}
	}
	n.touch()
	n.mu.Unlock()
	for _, p := range hit {
		p.reset()
	}
}

func (n *Network) set(m map[pair]bool, a, b string, v bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m[pair{a, b}], m[pair{b, a}] = v, v
	n.touch()
}

func (n *Network) touch() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// state says whether bytes can pass between two hosts, and what to wait for.
func (n *Network) state(a, b string) (open bool, changed <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.cut[pair{a, b}], n.changed
}

type listener struct {
	host    *Host
	address string
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	n := l.host.net
	n.mu.Lock()
	if n.listeners[l.address] == l {
		delete(n.listeners, l.address)
		n.touch()
	}
	n.mu.Unlock()
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return addr(l.address) }

type addr string

func (a addr) Network() string { return "memory" }
func (a addr) String() string  { return string(a) }
