package peer

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// conn is the client's end of a connection: calls are answered in the order in
// which they were written. Its reader always reads, so that a reset is noticed
// when nothing is asked.
type conn struct {
	raw    net.Conn
	broken chan struct{} // closed when reading has failed; err says why
	err    error

	writing sync.Mutex // keeps frames whole, and waiting in the order of the frames

	mu      sync.Mutex
	waiting []chan *response
	started bool
}

func newConn(raw net.Conn) *conn { return &conn{raw: raw, broken: make(chan struct{})} }

// call sends a request and waits for its answer. After a time-out the
// connection stays usable: the late answer is dropped.
func (c *conn) call(ctx context.Context, timeout time.Duration, req *request) (*response, error) {
	ch := make(chan *response, 1)
	if err := c.send(req, ch); err != nil {
		return nil, err
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case res := <-ch:
		return res, nil
	case <-c.broken:
		return nil, c.err
	case <-timer.C:
		return nil, errTimeout
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var errTimeout = errors.New("no answer in time")

// send writes a request whose response goes to ch. A request that cannot be
// encoded leaves the connection as it is; one that cannot be written whole ends
// it: the responses would no longer be those of the requests.
func (c *conn) send(req *request, ch chan *response) error {
	frame, err := encodeMessage(req)
	if err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	if !c.started {
		c.started = true
		go c.read() // ends when raw is closed; close waits for it
	}
	c.waiting = append(c.waiting, ch)
	c.mu.Unlock()
	c.raw.SetWriteDeadline(time.Now().Add(pingTimeout))
	if _, err := c.raw.Write(frame); err != nil {
		c.raw.Close()
		return err
	}
	return nil
}

func (c *conn) read() {
	defer close(c.broken)
	for {
		res := new(response)
		if c.err = readMessage(c.raw, res); c.err != nil {
			return
		}
		c.mu.Lock()
		if len(c.waiting) == 0 {
			c.mu.Unlock()
			c.err = errors.New("an answer that nobody asked for")
			return
		}
		ch := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.mu.Unlock()
		ch <- res
	}
}

// close ends the connection and its reader.
func (c *conn) close() {
	c.raw.Close()
	c.mu.Lock()
	started := c.started
	c.started = true
	c.mu.Unlock()
	if started {
		<-c.broken
	}
}
