package cluster

import (
	"context"
	"net"
	"sync"
	"time"
)

const (
	// readyConns is how many connections to each other node wait for Raft: a
	// candidate asks for a vote over one, and once it leads sends heartbeats and
	// entries over two. A handshake on a busy machine may take longer than the rest
	// of an election.
	readyConns = 2
	// readyTimeout bounds one attempt to make a connection ready.
	readyTimeout = time.Second
	readyEvery   = time.Second
)

// ready has connections that were dialled and proved before Raft needs them.
type ready struct {
	dial  func(ctx context.Context, address string) (net.Conn, error)
	taken chan struct{} // capacity 1: one was taken

	mu      sync.Mutex
	waiting map[string][]*waiting // by address
}

func newReady(dial func(context.Context, string) (net.Conn, error)) *ready {
	return &ready{dial: dial, taken: make(chan struct{}, 1), waiting: map[string][]*waiting{}}
}

// take returns a connection to the address, nil when none is ready.
func (r *ready) take(address string) net.Conn {
	for {
		r.mu.Lock()
		list := r.waiting[address]
		if len(list) == 0 {
			r.mu.Unlock()
			return nil
		}
		w := list[0]
		r.waiting[address] = list[1:]
		r.mu.Unlock()
		select {
		case r.taken <- struct{}{}:
		default:
		}
		if conn := w.take(); conn != nil {
			return conn
		}
	}
}

// keep makes connections ready until ctx ends, to the addresses that there are
// at the time; those to others are closed. A failure is tried again after a second.
func (r *ready) keep(ctx context.Context, addresses func() []string) {
	defer r.closeBut(nil)
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for {
		now := addresses()
		r.closeBut(now)
		for _, address := range now {
			// The other end may close them at once: no more than a few in a second.
			for range readyConns - r.count(address) {
				if !r.add(ctx, address) {
					break
				}
			}
		}
		select {
		case <-r.taken:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// add makes one more connection ready, and reports whether that succeeded.
func (r *ready) add(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	conn, err := r.dial(ctx, address)
	if err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting[address] = append(r.waiting[address], wait(conn))
	return true
}

// count returns how many wait for an address, and forgets those that have ended.
func (r *ready) count(address string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	var alive []*waiting
	for _, w := range r.waiting[address] {
		if w.hasEnded() {
			w.conn.Close()
		} else {
			alive = append(alive, w)
		}
	}
	r.waiting[address] = alive
	return len(alive)
}

// closeBut closes the connections to all but the given addresses.
func (r *ready) closeBut(addresses []string) {
	stay := map[string]bool{}
	for _, address := range addresses {
		stay[address] = true
	}
	r.mu.Lock()
	var leaving []*waiting
	for address, list := range r.waiting {
		if !stay[address] {
			leaving = append(leaving, list...)
			delete(r.waiting, address)
		}
	}
	r.mu.Unlock()
	for _, w := range leaving {
		w.close()
	}
}

// waiting is a connection on which nothing is said. It is read from, so that its
// end is noticed.
type waiting struct {
	conn  net.Conn
	ended chan struct{} // closed when reading has ended
	err   error         // why; valid then
}

func wait(conn net.Conn) *waiting {
	w := &waiting{conn: conn, ended: make(chan struct{})}
	go func() { // ends when take or close is called
		defer close(w.ended)
		_, w.err = conn.Read(make([]byte, 1))
	}()
	return w
}

func (w *waiting) hasEnded() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

// take ends the reading and returns the connection, nil when it is of no use.
func (w *waiting) take() net.Conn {
	w.conn.SetReadDeadline(time.Unix(1, 0))
	<-w.ended
	if late, ok := w.err.(net.Error); !ok || !late.Timeout() {
		w.conn.Close() // it broke, or the other end spoke out of turn
		return nil
	}
	w.conn.SetReadDeadline(time.Time{})
	return w.conn
}

func (w *waiting) close() {
	w.conn.Close()
	<-w.ended
}
