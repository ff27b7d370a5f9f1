package rpc

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/tap"

	"github.com/asctl/as/internal/intake"
)

// What one gRPC connection may do, and for how long it may do nothing.
const (
	maxStreams       = 2048             // calls at once; a node that forwards has one connection for all its callers
	maxHeaderList    = 16 << 10         // bytes of a call's headers
	streamWindow     = 64 << 10         // bytes that come before anything reads them
	handshakeTimeout = 10 * time.Second // from the connection to the end of its preface
	idleConnection   = 5 * time.Minute  // without a call
	firstMessage     = 20 * time.Second // from a call's headers to the end of its message
	nextMessage      = 10 * time.Minute // the same for a client stream, for each message
)

// What a call costs before its message is complete: its goroutine and headers;
// and what of its bytes on the wire is not its message.
const (
	streamCost      = 12 << 10
	messageOverhead = 256
)

// boundedGRPC are the options that keep to these bounds.
func (s *Server) boundedGRPC() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(carrier{plaintext}),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderList),
		grpc.InitialWindowSize(streamWindow),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: idleConnection}),
		grpc.InTapHandle(s.arrivals.begin),
		grpc.UnaryInterceptor(func(ctx context.Context, m any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			arrivalOf(ctx).complete(0)
			return handle(ctx, m)
		}),
		grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			return handle(srv, arrivingStream{stream})
		}),
	}
}

// arrivals are the calls whose headers came and whose message did not, yet. Each
// costs its connection streamCost, and one whose message does not come in time is
// ended. A client stream stays here between its messages.
type arrivals struct {
	streaming map[string]bool // methods of client streams

	mu          sync.Mutex
	first, last *arrival
}

func newArrivals() *arrivals {
	l := &arrivals{streaming: map[string]bool{}}
	for _, m := range methods() {
		if m.IsStreamingClient() {
			l.streaming[fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name())] = true
		}
	}
	return l
}

// plaintext is what connections speak until Config.ServerOptions says otherwise.
var plaintext = insecure.NewCredentials()

// arrival is one such call.
type arrival struct {
	all        *arrivals
	conn       *intake.Conn // nil: not counted
	ctx        context.Context
	cancel     context.CancelFunc
	streams    bool      // its messages go on to come
	began      time.Time // or when the last message came; all.mu guards what follows
	counted    bool      // streamCost is held
	done       bool      // off the list
	prev, next *arrival
}

type arrivalKey struct{}

// arrivalOf returns the call's arrival; nil, of which the methods do nothing, for
// a call that did not come over gRPC.
func arrivalOf(ctx context.Context) *arrival {
	a, _ := ctx.Value(arrivalKey{}).(*arrival)
	return a
}

// begin notes a call whose headers have come.
func (l *arrivals) begin(ctx context.Context, info *tap.Info) (context.Context, error) {
	a := &arrival{all: l, conn: connOf(ctx), began: time.Now(), counted: true}
	a.streams = l.streaming[info.FullMethodName] || strings.HasPrefix(info.FullMethodName, "/grpc.reflection.")
	ctx, a.cancel = context.WithCancel(ctx)
	a.ctx = context.WithValue(ctx, arrivalKey{}, a)
	a.conn.Hold(streamCost)
	l.mu.Lock()
	defer l.mu.Unlock()
	a.prev = l.last
	if l.last == nil {
		l.first = a
	} else {
		l.last.next = a
	}
	l.last = a
	return a.ctx, nil
}

// complete notes that a message of n bytes is there.
func (a *arrival) complete(n int) {
	if a == nil {
		return
	}
	now := time.Now()
	a.all.mu.Lock()
	held := a.cost()
	if a.streams {
		a.began = now
	} else {
		a.all.drop(a)
	}
	a.all.mu.Unlock()
	a.conn.Release(held + int64(n) + messageOverhead)
}

// cost returns what the arrival costs until now, and nothing from then on.
func (a *arrival) cost() int64 {
	if !a.counted {
		return 0
	}
	a.counted = false
	return streamCost
}

// drop takes an arrival off the list.
func (l *arrivals) drop(a *arrival) {
	if a.done {
		return
	}
	a.done = true
	if a.prev == nil {
		l.first = a.next
	} else {
		a.prev.next = a.next
	}
	if a.next == nil {
		l.last = a.prev
	} else {
		a.next.prev = a.prev
	}
	a.prev, a.next = nil, nil
}

// run ends calls whose message is late until ctx ends.
func (l *arrivals) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for { // ends with ctx
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			l.sweep(now)
		}
	}
}

// sweep ends what is late, and forgets calls that were broken off.
func (l *arrivals) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for a := l.first; a != nil; {
		next := a.next
		patience := firstMessage
		if a.streams {
			patience = nextMessage
		}
		if now.Sub(a.began) >= patience || a.ctx.Err() != nil {
			a.conn.Release(a.cost())
			l.drop(a)
			a.cancel()
		}
		a = next
	}
}

// arrivingStream completes the arrival of a stream of a service that is not ours.
type arrivingStream struct{ grpc.ServerStream }

func (s arrivingStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err == nil {
		arrivalOf(s.Context()).complete(0)
	}
	return err
}

// carrier makes the connection that a call came over known to the call.
type carrier struct {
	credentials.TransportCredentials
}

// connection is the connection, beside what the credentials know of the caller.
type connection struct {
	credentials.AuthInfo
	conn *intake.Conn
}

func (c carrier) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	counted, _ := raw.(*intake.Conn)
	return conn, connection{info, counted}, nil
}

func (c carrier) Clone() credentials.TransportCredentials {
	return carrier{c.TransportCredentials.Clone()}
}

// connOf returns the counted connection of a call; nil if there is none.
func connOf(ctx context.Context) *intake.Conn {
	p, _ := peer.FromContext(ctx)
	if p == nil {
		return nil
	}
	c, _ := p.AuthInfo.(connection)
	return c.conn
}
