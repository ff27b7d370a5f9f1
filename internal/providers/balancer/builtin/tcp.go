package builtin

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// tcpFront is the tcp side of a pool: connections are passed through. One that
// cannot be made to a target is tried on another; once made it stays.
type tcpFront struct {
	pool   *pool
	logger hclog.Logger
}

// serve serves the listener until ctx ends, then leaves open connections grace
// to end.
func (f *tcpFront) serve(ctx context.Context, listener net.Listener, grace time.Duration) error {
	open, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() }) // ends Accept
	defer stop()
	var serving sync.WaitGroup
	var err error
	for {
		var client net.Conn
		if client, err = listener.Accept(); err != nil {
			break
		}
		serving.Go(func() { f.pass(open, client) })
	}
	if ctx.Err() == nil {
		abort() // the listener broke: start over soon, with a clean slate
	} else {
		err = nil
	}
	late := time.AfterFunc(grace, abort)
	defer late.Stop()
	serving.Wait()
	return err
}

// pass connects the client with a target until both have said everything.
func (f *tcpFront) pass(ctx context.Context, client net.Conn) {
	defer client.Close()
	defer func() {
		if p := recover(); p != nil { // it ends this connection, not the node
			f.logger.Error("connection panicked", "pool", f.pool.name, "error", p, "stack", string(debug.Stack()))
		}
	}()
	begin := time.Now()
	f.pool.requests.Add(1)
	t, server, err := f.connect(ctx)
	if err != nil {
		f.pool.metrics.noTarget.Inc()
		f.logger.Debug("connection refused", "pool", f.pool.name, "error", err)
		return
	}
	defer t.end()
	defer server.Close()
	stop := context.AfterFunc(ctx, func() {
		_ = client.Close() // both ends notice
		_ = server.Close()
	})
	defer stop()
	var back sync.WaitGroup
	back.Go(func() { copyHalf(client, server) })
	copyHalf(server, client)
	back.Wait()
	f.pool.metrics.passed.Inc()
	f.pool.metrics.duration.Observe(time.Since(begin).Seconds())
}

// connect answers a connection to a target that has it counted as open.
func (f *tcpFront) connect(ctx context.Context) (*target, net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	var tried []*target
	var last error
	for len(tried) < maxAttempts {
		t := f.pool.take(tried)
		if t == nil {
			break
		}
		if last != nil {
			f.pool.metrics.retries.Inc()
		}
		conn, err := dialer.DialContext(ctx, "tcp", t.hostPort)
		if err == nil {
			t.worked()
			return t, conn, nil
		}
		t.end()
		if ctx.Err() != nil {
			return nil, nil, err
		}
		t.failed(time.Now())
		tried, last = append(tried, t), err
	}
	return nil, nil, unserved(last)
}

// copyHalf passes one direction on, its end included. When a side is broken,
// both are closed: the other direction cannot go on by itself.
func copyHalf(to, from net.Conn) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err != nil || !ok || half.CloseWrite() != nil {
		_ = errors.Join(to.Close(), from.Close()) // both may be closed already
	}
}
