package peer

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// limits bound the connections of a listener.
type limits struct {
	strangers int // connections that have not proved themselves, of all sources
	perSource int // of these, from one source
	perNode   int // connections of one node that has proved itself
	nodes     int // nodes that have connections
	known     int // sources that are remembered for having proved themselves
}

var defaultLimits = limits{strangers: 512, perSource: 256, perNode: 64, nodes: 64, known: 64}

// doors counts the connections of a listener, those that have not proved
// themselves by source, and the others by node. When a limit is reached the
// newcomer takes the place of the connection that is the furthest from having
// proved itself, the oldest of these: whatever floods the port pushes out
// itself, and not a node that is about to prove itself. A source that a node
// came from before has room of its own.
type doors struct {
	limits limits

	mu        sync.Mutex
	strangers []*stranger       // oldest first
	guests    map[string]*guest // by node id
	known     map[string]time.Time
}

// guest is what a node has.
type guest struct {
	conns []*Conn // oldest first
}

func newDoors(l limits) *doors {
	return &doors{limits: l, guests: map[string]*guest{}, known: map[string]time.Time{}}
}

// progress is how far a stranger has come.
type progress int

const (
	silent    progress = iota // it has not said what TLS says first
	greeted                   // it has
	encrypted                 // TLS is done
)

// stranger is a connection that has not proved itself.
type stranger struct {
	net.Conn
	doors    *doors
	source   string
	progress progress // guarded by doors.mu
}

// admit makes room for a connection that was accepted.
func (d *doors) admit(conn net.Conn) *stranger {
	s := &stranger{Conn: conn, doors: d, source: sourceOf(conn.RemoteAddr())}
	d.mu.Lock()
	victim := d.makeRoom(s.source)
	d.strangers = append(d.strangers, s)
	d.mu.Unlock()
	if victim != nil {
		victim.Close()
	}
	return s
}

// makeRoom removes the stranger that has to leave for one of the source, and
// returns it; nil when there is room. It is called with mu held.
func (d *doors) makeRoom(source string) *stranger {
	_, known := d.known[source]
	own := func(s *stranger) bool { return s.source == source }
	unknown := func(s *stranger) bool { _, k := d.known[s.source]; return !k }
	var victim *stranger
	switch {
	case d.count(own) >= d.limits.perSource:
		victim = d.furthest(own)
	case !known && d.count(unknown) >= d.limits.strangers:
		victim = d.furthest(unknown)
	}
	if victim != nil {
		d.remove(victim)
	}
	return victim
}

func (d *doors) count(of func(*stranger) bool) int {
	n := 0
	for _, s := range d.strangers {
		if of(s) {
			n++
		}
	}
	return n
}

// furthest returns the one that is the furthest from having proved itself, the
// oldest of these.
func (d *doors) furthest(of func(*stranger) bool) *stranger {
	var found *stranger
	for _, s := range d.strangers {
		if of(s) && (found == nil || s.progress < found.progress) {
			found = s
		}
	}
	return found
}

// remove is called with mu held.
func (d *doors) remove(s *stranger) {
	if i := slices.Index(d.strangers, s); i >= 0 {
		d.strangers = slices.Delete(d.strangers, i, i+1)
	}
}

// turnAway forgets a stranger that has failed to prove itself.
func (d *doors) turnAway(s *stranger) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(s)
}

// welcome turns a stranger into a connection of its node. It reports whether
// there is room: a further node finds none while as many have connections as
// may have. The node's oldest connection leaves when it has too many.
func (d *doors) welcome(s *stranger, conn *Conn) bool {
	id := conn.Other.Node
	d.mu.Lock()
	d.remove(s)
	d.remember(s.source)
	g := d.guests[id]
	if g == nil {
		if len(d.guests) >= d.limits.nodes {
			d.mu.Unlock()
			return false
		}
		g = &guest{}
		d.guests[id] = g
	}
	g.conns = append(g.conns, conn)
	var victim *Conn
	if len(g.conns) > d.limits.perNode {
		victim = g.conns[0]
	}
	conn.closed = func() { d.leave(id, conn) }
	d.mu.Unlock()
	if victim != nil {
		victim.Close()
	}
	return true
}

// leave forgets a connection of a node.
func (d *doors) leave(id string, conn *Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.guests[id]
	if i := slices.Index(g.conns, conn); i >= 0 {
		g.conns = slices.Delete(g.conns, i, i+1)
	}
	if len(g.conns) == 0 {
		delete(d.guests, id)
	}
}

// remember notes that a node came from the source; the one that was noted the
// longest ago is forgotten. It is called with mu held.
func (d *doors) remember(source string) {
	d.known[source] = time.Now()
	if len(d.known) <= d.limits.known {
		return
	}
	oldest := source
	for s, at := range d.known {
		if at.Before(d.known[oldest]) {
			oldest = s
		}
	}
	delete(d.known, oldest)
}

// advance notes how far the stranger has come.
func (s *stranger) advance(p progress) {
	s.doors.mu.Lock()
	defer s.doors.mu.Unlock()
	s.progress = max(s.progress, p)
}

// sourceOf returns what connections are counted by: the IPv4 address, or the
// IPv6 network of 64 bits, which one host can have as a whole.
func sourceOf(address net.Addr) string {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		host, _, err := net.SplitHostPort(address.String())
		if err != nil {
			return address.String()
		}
		return host
	}
	ip, ok := netip.AddrFromSlice(tcp.IP)
	if !ok {
		return address.String()
	}
	ip = ip.Unmap()
	if ip.Is6() {
		if network, err := ip.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return ip.String()
}
