package rpc

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/internal/autoscaling"
)

// interceptor is what a decoded unary call passes on its way to the handler.
func (s *Server) interceptor(r *route) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, message any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		return s.serve(ctx, r, message, func(ctx context.Context, message any) (any, error) {
			if err := s.validate(message); err != nil {
				return nil, err
			}
			answer, err := handle(ctx, message)
			if err != nil && r.place != anywhere && isNoLeader(err) {
				// The lead was lost on the way to the writer; nothing was written.
				return s.forwardDecoded(ctx, r, message.(proto.Message), handle)
			}
			return answer, err
		})
	}
}

// validating is the interceptor of a call that is being served already.
func (s *Server) validating(ctx context.Context, message any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if err := s.validate(message); err != nil {
		return nil, err
	}
	return handle(ctx, message)
}

// serve runs a unary call: it gives it a name, measures it, catches its panics
// and makes a status of its error.
func (s *Server) serve(ctx context.Context, r *route, message any, handle grpc.UnaryHandler) (answer any, err error) {
	start := time.Now()
	c := s.newCall(ctx, r)
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, s.panicked(r.method, c.id, p)
		}
		err = s.finish(c, start, err)
	}()
	if c.refused != nil {
		return nil, c.refused
	}
	return handle(c.in(ctx), message)
}

// serveStream is serve for a stream.
func (s *Server) serveStream(r *route, stream grpc.ServerStream, handle func(grpc.ServerStream) error) (err error) {
	start := time.Now()
	c := s.newCall(stream.Context(), r)
	defer func() {
		if p := recover(); p != nil {
			err = s.panicked(r.method, c.id, p)
		}
		err = s.finish(c, start, err)
	}()
	if c.refused != nil {
		return c.refused
	}
	return handle(&validStream{ServerStream: stream, ctx: c.in(stream.Context()), server: s})
}

// finish makes the error that the caller sees, and counts.
func (s *Server) finish(c *call, start time.Time, err error) error {
	if err == nil {
		c.route.metrics.ended(codes.OK, time.Since(start))
		return nil
	}
	st, known := toStatus(err, c.id)
	if !known {
		s.logger.Error("call failed", "method", c.route.method, "id", c.id, "error", err)
	} else if s.logger.IsDebug() {
		s.logger.Debug("call refused", "method", c.route.method, "id", c.id, "code", st.Code(), "error", st.Message())
	}
	c.route.metrics.ended(st.Code(), time.Since(start))
	return st.Err()
}

// validate checks a message against the rules in the .proto files.
func (s *Server) validate(message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return nil
	}
	if err := checkTexts(m); err != nil {
		return err
	}
	return s.validator.Validate(m)
}

// validStream checks each message that comes in.
type validStream struct {
	grpc.ServerStream
	ctx    context.Context
	server *Server
}

func (v *validStream) Context() context.Context { return v.ctx }

func (v *validStream) RecvMsg(m any) error {
	if err := v.receive(m); err != nil {
		return err
	}
	return v.server.validate(m)
}

// receive receives a message that is not checked here, and counts it.
func (v *validStream) receive(m any) error {
	d := &decoding{to: m}
	err := d.receive(v.ServerStream.RecvMsg)
	if d.read {
		arrivalOf(v.ctx).complete(d.size)
	}
	return err
}

// isNoLeader says whether an error means that nothing was done because the node
// that was asked does not lead.
func isNoLeader(err error) bool {
	switch e := err.(type) {
	case *autoscaling.Error:
		return e.Reason == autoscaling.NoLeader
	default:
		st, ok := status.FromError(err)
		return ok && st.Code() == codes.Unavailable && reasonOf(st) == autoscaling.NoLeader
	}
}
