package builtin

import (
	"context"
	"net"
	"sync"
)

// limited is a listener that has at most so many connections open; the rest
// waits in the kernel's queue.
type limited struct {
	net.Listener
	room   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func listen(ctx context.Context, address string, limit int) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &limited{Listener: l, room: make(chan struct{}, limit), closed: make(chan struct{})}, nil
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.room <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &counted{TCPConn: conn.(*net.TCPConn), done: sync.OnceFunc(func() { <-l.room })}, nil
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// counted keeps the methods of a TCP connection: splicing and half-closing.
type counted struct {
	*net.TCPConn
	done func()
}

func (c *counted) Close() error {
	defer c.done()
	return c.TCPConn.Close()
}
