package clustertest

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// pipe is one end of a connection. It has a buffer without a bound, like a very
// patient kernel; what is sent while the way is cut arrives when it is healed.
type pipe struct {
	net              *Network
	dialer, listener string
	local, remote    addr
	other            *pipe

	mu            sync.Mutex
	in            []byte
	eof           error         // what a reader gets when in is empty
	closed        bool          // by its own side
	wake          chan struct{} // closed and replaced when any of the above changes
	readDeadline  deadline
	writeDeadline deadline
}

func newPipes(n *Network, dialer, listener, address string) (near, far *pipe) {
	near = &pipe{net: n, dialer: dialer, listener: listener, local: addr(dialer + ":0"), remote: addr(address)}
	far = &pipe{net: n, dialer: dialer, listener: listener, local: addr(address), remote: addr(dialer + ":0")}
	near.other, far.other = far, near
	for _, p := range []*pipe{near, far} {
		p.wake = make(chan struct{})
		p.readDeadline.init()
		p.writeDeadline.init()
	}
	return near, far
}

func (p *pipe) Read(b []byte) (int, error) {
	for {
		open, changed := p.net.state(p.dialer, p.listener)
		p.mu.Lock()
		wake, expired := p.wake, p.readDeadline.wait()
		switch {
		case p.closed:
			p.mu.Unlock()
			return 0, net.ErrClosed
		case isClosed(expired):
			p.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		case open && len(p.in) > 0:
			n := copy(b, p.in)
			p.in = p.in[n:]
			p.mu.Unlock()
			return n, nil
		case open && p.eof != nil:
			err := p.eof
			p.mu.Unlock()
			return 0, err
		}
		p.mu.Unlock()
		select {
		case <-wake:
		case <-changed:
		case <-expired:
		}
	}
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	switch {
	case p.closed:
		p.mu.Unlock()
		return 0, net.ErrClosed
	case isClosed(p.writeDeadline.wait()):
		p.mu.Unlock()
		return 0, os.ErrDeadlineExceeded
	}
	p.mu.Unlock()
	o := p.other
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.eof != nil {
		return 0, syscall.EPIPE
	}
	o.in = append(o.in, b...)
	o.signal()
	return len(b), nil
}

func (p *pipe) Close() error {
	p.end(true, nil)
	p.other.end(false, io.EOF)
	p.net.mu.Lock()
	delete(p.net.conns, p)
	p.net.mu.Unlock()
	return nil
}

// reset ends both directions at once.
func (p *pipe) reset() {
	p.end(false, syscall.ECONNRESET)
	p.other.end(false, syscall.ECONNRESET)
}

func (p *pipe) end(closed bool, eof error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = p.closed || closed
	if p.eof == nil {
		p.eof = eof
	}
	if eof == syscall.ECONNRESET {
		p.in = nil
	}
	p.signal()
}

func (p *pipe) signal() {
	close(p.wake)
	p.wake = make(chan struct{})
}

func (p *pipe) LocalAddr() net.Addr  { return p.local }
func (p *pipe) RemoteAddr() net.Addr { return p.remote }

func (p *pipe) SetDeadline(t time.Time) error {
	p.SetReadDeadline(t)
	return p.SetWriteDeadline(t)
}

func (p *pipe) SetReadDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.readDeadline.set(t)
	p.signal()
	return nil
}

func (p *pipe) SetWriteDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writeDeadline.set(t)
	return nil
}

// deadline is a channel that is closed when its time has come.
type deadline struct {
	timer   *time.Timer
	expired chan struct{}
}

func (d *deadline) init()                 { d.expired = make(chan struct{}) }
func (d *deadline) wait() <-chan struct{} { return d.expired }

func (d *deadline) set(t time.Time) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	// The old channel may be closed by now or be about to be: it is left alone.
	expired := make(chan struct{})
	d.expired = expired
	if t.IsZero() {
		return
	}
	if left := time.Until(t); left <= 0 {
		close(expired)
	} else {
		d.timer = time.AfterFunc(left, func() { close(expired) })
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
