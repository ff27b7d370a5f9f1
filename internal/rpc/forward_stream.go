package rpc

import (
	"cmp"
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
)

// streamHandler is unaryHandler for streams.
func (s *Server) streamHandler(r *route) grpc.StreamHandler {
	return func(srv any, stream grpc.ServerStream) error {
		return s.serveStream(r, stream, func(stream grpc.ServerStream) error {
			if r.place == anywhere || s.node.Leader().Self {
				return r.stream(srv, stream)
			}
			return s.forwardStream(stream, r, srv)
		})
	}
}

// forwardStream hands a stream to the leader, message by message, as they come.
// It takes one hop, like a unary call; once a message went over nothing is
// repeated.
func (s *Server) forwardStream(stream grpc.ServerStream, r *route, srv any) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	up, done, leader, err := s.openStream(ctx, r)
	if err != nil {
		return err
	}
	if up == nil { // this node leads by now
		return r.stream(srv, stream)
	}
	defer done()
	client := stream.(*validStream)
	// This goroutine ends at the latest when the handler returns: that ends the
	// caller's stream, and cancel the leader's.
	go s.sendUp(client, up, r.method, cancel)
	for {
		answer := new(raw)
		if err := up.RecvMsg(answer); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return s.hopFailed(ctx, r, leader, err)
		}
		if err := client.SendMsg(answer); err != nil {
			return err
		}
	}
}

func (s *Server) sendUp(from *validStream, to grpc.ClientStream, method string, cancel context.CancelFunc) {
	defer func() {
		if p := recover(); p != nil {
			_ = s.panicked(method, s.ids.next(), p)
			cancel() // ends the call
		}
	}()
	for {
		message := new(raw)
		switch err := from.receive(message); { // the leader looks at it
		case err == io.EOF:
			_ = to.CloseSend() // never fails
			return
		case err != nil:
			cancel() // the caller broke off: the leader must not take it for the end
			return
		}
		if to.SendMsg(message) != nil {
			return // RecvMsg of the other direction has the status
		}
	}
}

// openStream opens the stream at the leader; nil when this node leads.
func (s *Server) openStream(ctx context.Context, r *route) (grpc.ClientStream, func(), Leader, error) {
	if callOf(ctx).forwarded {
		return nil, nil, Leader{}, noLeader("the call was forwarded to a node that does not lead")
	}
	patience := patience{limit: s.leaderWait, since: time.Now()}
	defer patience.end()
	for { // ends with the patience
		leader := s.node.Leader()
		if leader.Self {
			return nil, nil, leader, nil
		}
		err := noLeader("there is no leader at the moment")
		if leader.Known() {
			var up grpc.ClientStream
			var done func()
			if up, done, err = s.peers.open(outgoing(ctx), leader.GRPCAddress, &r.streamDesc, r.method); err == nil {
				return up, done, leader, nil
			}
			err = s.hopFailed(ctx, r, leader, err)
		}
		if !isNoLeader(err) {
			return nil, nil, leader, err
		}
		if !patience.wait(ctx) {
			return nil, nil, leader, cmp.Or(ctx.Err(), err)
		}
	}
}
