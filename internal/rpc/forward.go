package rpc

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/internal/autoscaling"
)

// forward hands a call to the leader, as it came. A call takes one hop: the node
// that it reaches answers it or says NO_LEADER. Nothing is sent twice unless it
// is known that the first did nothing (it was not sent, or NO_LEADER came back)
// or that it could do nothing (a read). Meanwhile, and while there is no leader,
// it waits, but not beyond LeaderWait. When this node itself becomes the leader,
// local answers.
func (s *Server) forward(ctx context.Context, r *route, message *raw, local func(context.Context) (any, error)) (any, error) {
	if callOf(ctx).forwarded {
		return nil, noLeader("the call was forwarded to a node that does not lead")
	}
	patience := patience{limit: s.leaderWait, since: time.Now()}
	defer patience.end()
	for { // ends with the patience
		leader := s.node.Leader()
		answer, err := any(nil), error(nil)
		switch {
		case leader.Self:
			answer, err = local(ctx)
		case leader.Known():
			answer, err = s.hop(ctx, r, leader, message)
		default:
			err = noLeader("there is no leader at the moment")
		}
		if err == nil || !isNoLeader(err) {
			return answer, err
		}
		if !patience.wait(ctx) {
			return nil, cmp.Or(ctx.Err(), err) // the caller's own time, before ours
		}
	}
}

// forwardDecoded is forward for a call that was decoded here, when this node led.
func (s *Server) forwardDecoded(ctx context.Context, r *route, message proto.Message, handle grpc.UnaryHandler) (any, error) {
	data, err := proto.Marshal(message)
	if err != nil {
		return nil, err
	}
	return s.forward(ctx, r, &raw{data: data}, func(ctx context.Context) (any, error) { return handle(ctx, message) })
}

// hop makes one attempt at the leader.
func (s *Server) hop(ctx context.Context, r *route, leader Leader, message *raw) (any, error) {
	answer, header, err := s.peers.invoke(outgoing(ctx), leader.GRPCAddress, r.method, message)
	if err != nil {
		err = s.hopFailed(ctx, r, leader, err)
		return nil, err
	}
	s.metrics.forwarded.WithLabelValues("answered").Inc()
	passHeader(ctx, header)
	return answer, nil
}

// hopFailed says what an attempt's failure means: the leader's own refusal, not
// sent, or sent and never heard of again.
func (s *Server) hopFailed(ctx context.Context, r *route, leader Leader, err error) error {
	if unsent, ok := err.(*unsentError); ok {
		s.metrics.forwarded.WithLabelValues("unsent").Inc()
		s.logger.Debug("leader cannot be reached", "node", leader.ID, "error", unsent.cause)
		return noLeader("the leader " + leader.ID + " cannot be reached")
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	st := status.Convert(err)
	// Cancelled here: the leader was given up. Unavailable without a reason of ours
	// is the connection's own.
	broken := st.Code() == codes.Canceled || st.Code() == codes.Unavailable && reasonOf(st) == ""
	switch {
	case !broken:
		s.metrics.forwarded.WithLabelValues("refused").Inc()
		return err
	case r.repeatable:
		s.metrics.forwarded.WithLabelValues("broken").Inc()
		return noLeader("the connection to the leader " + leader.ID + " broke")
	}
	s.metrics.forwarded.WithLabelValues("unknown").Inc()
	s.logger.Warn("leader lost with a call under way", "node", leader.ID, "method", r.method, "error", err)
	return autoscaling.Errorf(autoscaling.OutcomeUnknown,
		"the leader %s was lost after the request was sent; it may have been carried out: repeat it with the same request_id", leader.ID)
}

func noLeader(message string) error {
	return &autoscaling.Error{Reason: autoscaling.NoLeader, Message: message, RetryAfter: leaderRetry}
}

// outgoing carries the caller's headers over, and the loop guard.
func outgoing(ctx context.Context) context.Context {
	c := callOf(ctx)
	pairs := []string{headerForwarded, "1", headerRequestID, c.id}
	if c.principal != "" {
		pairs = append(pairs, headerPrincipal, c.principal)
	}
	return metadata.NewOutgoingContext(ctx, metadata.Pairs(pairs...))
}

// passHeader carries the leader's headers back to the caller.
func passHeader(ctx context.Context, from metadata.MD) {
	var md metadata.MD
	for _, key := range []string{headerAppliedIndex, headerAge} {
		if values := from[key]; len(values) > 0 {
			if md == nil {
				md = make(metadata.MD, 2)
			}
			md[key] = values
		}
	}
	if md != nil {
		_ = grpc.SetHeader(ctx, md) // fails only where there is no caller
	}
}
