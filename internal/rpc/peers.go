package rpc

import (
	"context"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// peers are the connections to other nodes' API, one to each: one connection
// with several stream workers at its end beats several connections.
type peers struct {
	options []grpc.DialOption

	mu   sync.Mutex
	all  map[string]*peerConn // by address; as many as there ever were nodes
	shut bool
	// paths is by address, see watchPaths.
	paths map[string]*path
}

// peerConn is a connection to a node and the ends of the calls that are under way
// there, by number: peers' lock guards them.
type peerConn struct {
	conn  *grpc.ClientConn
	calls map[uint64]context.CancelFunc
	last  uint64
}

// Bounds of a hop. A leader that died must be found alive again quickly; an
// answer may be larger than a request.
const (
	maxPeerBackoff = 200 * time.Millisecond
	minPeerConnect = time.Second
	maxPeerAnswer  = 64 << 20
)

func newPeers(c codec, options []grpc.DialOption) *peers {
	return &peers{
		all:   map[string]*peerConn{},
		paths: map[string]*path{},
		options: append([]grpc.DialOption{
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: maxPeerBackoff},
				MinConnectTimeout: minPeerConnect,
			}),
			grpc.WithDefaultCallOptions(grpc.ForceCodecV2(c), grpc.MaxCallRecvMsgSize(maxPeerAnswer)),
			grpc.WithDisableServiceConfig(),
			grpc.WithDisableRetry(), // a call that broke is for the caller to judge
			grpc.WithNoProxy(),
		}, options...),
	}
}

// unsentError is the failure of a call that never left this node.
type unsentError struct{ cause error }

func (e *unsentError) Error() string { return e.cause.Error() }

// invoke makes a unary call and tells whether it was sent.
func (p *peers) invoke(ctx context.Context, address, method string, message *raw) (*raw, metadata.MD, error) {
	stream, done, err := p.open(ctx, address, &grpc.StreamDesc{}, method)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	// An error of SendMsg is io.EOF; RecvMsg has the status.
	if err := stream.SendMsg(message); err != nil && err != io.EOF {
		return nil, nil, err
	}
	answer := new(raw)
	if err := stream.RecvMsg(answer); err != nil {
		return nil, nil, err
	}
	header, _ := stream.Header() // it came before the answer
	return answer, header, nil
}

// open starts a call; done must be called when it is over.
func (p *peers) open(ctx context.Context, address string, desc *grpc.StreamDesc, method string) (stream grpc.ClientStream, done func(), err error) {
	calling, cancel := context.WithCancel(ctx)
	conn, done, err := p.begin(address, cancel)
	if err != nil {
		cancel()
		return nil, nil, &unsentError{err}
	}
	stream, err = conn.NewStream(calling, desc, method)
	if err != nil {
		done()
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		return nil, nil, &unsentError{err}
	}
	return stream, done, nil
}

// begin is the connection to an address, and notes a call there until done.
func (p *peers) begin(address string, cancel context.CancelFunc) (conn *grpc.ClientConn, done func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to, err := p.to(address)
	if err != nil {
		return nil, nil, err
	}
	to.last++
	number := to.last
	to.calls[number] = cancel
	return to.conn, func() {
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(to.calls, number)
	}, nil
}

// to returns the connection to an address, and makes it when there is none. The
// lock is held.
func (p *peers) to(address string) (*peerConn, error) {
	if p.shut {
		return nil, context.Canceled
	}
	to := p.all[address]
	if to == nil {
		conn, err := grpc.NewClient("passthrough:///"+address, p.options...)
		if err != nil {
			return nil, err
		}
		to = &peerConn{conn: conn, calls: map[uint64]context.CancelFunc{}}
		p.all[address] = to
	}
	return to, nil
}

func (p *peers) connection(address string) (*grpc.ClientConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to, err := p.to(address)
	if err != nil {
		return nil, status.FromContextError(err).Err()
	}
	return to.conn, nil
}

// leaderGone is how long another node leads before the calls at the old leader
// are given up. One that handed over in order has answered by then; one that is
// frozen never would.
const leaderGone = time.Second

// followLeader lets go of calls at nodes that do not lead any more, until ctx
// ends.
func (p *peers) followLeader(ctx context.Context, node Leadership) {
	tick := time.NewTicker(leaderGone / 4)
	defer tick.Stop()
	led, since := "", time.Now()
	for { // ends with ctx
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			leader := node.Leader()
			if !leader.Known() {
				continue
			}
			if leader.ID != led {
				led, since = leader.ID, now
			}
			if waited := now.Sub(since); waited >= leaderGone && waited < 2*leaderGone {
				p.letGo(leader.GRPCAddress)
			}
		}
	}
}

// letGo ends the calls at all nodes but the leader.
func (p *peers) letGo(leader string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for address, to := range p.all {
		if address != leader {
			for _, cancel := range to.calls {
				cancel()
			}
		}
	}
}

func (p *peers) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	for address, to := range p.all {
		_ = to.conn.Close() // ends its calls; nothing to do about an error
		delete(p.all, address)
	}
}
