package rpc

import (
	"context"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/metadata"
)

// peers are the connections to other nodes' API, one to each: one connection
// with several stream workers at its end beats several connections.
type peers struct {
	codec   codec
	options []grpc.DialOption

	mu    sync.Mutex
	conns map[string]*grpc.ClientConn // by address; as many as there ever were nodes
	shut  bool
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
		codec: c,
		conns: map[string]*grpc.ClientConn{},
		options: append([]grpc.DialOption{
			grpc.WithConnectParams(grpc.ConnectParams{
				Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: maxPeerBackoff},
				MinConnectTimeout: minPeerConnect,
			}),
			grpc.WithDefaultCallOptions(grpc.ForceCodecV2(c), grpc.MaxCallRecvMsgSize(maxPeerAnswer)),
			grpc.WithDisableServiceConfig(),
			grpc.WithDisableRetry(), // a call that broke is for the caller to judge
		}, options...),
	}
}

// unsentError is the failure of a call that never left this node.
type unsentError struct{ cause error }

func (e *unsentError) Error() string { return e.cause.Error() }

// invoke makes a unary call and tells whether it was sent.
func (p *peers) invoke(ctx context.Context, address, method string, message *raw) (*raw, metadata.MD, error) {
	stream, err := p.open(ctx, address, &grpc.StreamDesc{}, method)
	if err != nil {
		return nil, nil, err
	}
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

// open starts a call; ctx must end after it, or the answer be read to its end.
func (p *peers) open(ctx context.Context, address string, desc *grpc.StreamDesc, method string) (grpc.ClientStream, error) {
	conn, err := p.conn(address)
	if err != nil {
		return nil, &unsentError{err}
	}
	stream, err := conn.NewStream(ctx, desc, method)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &unsentError{err}
	}
	return stream, nil
}

func (p *peers) conn(address string) (*grpc.ClientConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return nil, context.Canceled
	}
	if conn := p.conns[address]; conn != nil {
		return conn, nil
	}
	conn, err := grpc.NewClient("passthrough:///"+address, p.options...)
	if err != nil {
		return nil, err
	}
	p.conns[address] = conn
	return conn, nil
}

func (p *peers) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = true
	for address, conn := range p.conns {
		_ = conn.Close() // nothing to do about it
		delete(p.conns, address)
	}
}
