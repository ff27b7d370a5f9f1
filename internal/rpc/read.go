package rpc

import (
	"context"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// view is the state that a read may answer from, and its headers.
func (s *Server) view(ctx context.Context, c pb.Consistency) (fsm.View, error) {
	var v fsm.View
	// The position is read first: the view may be newer than it says, never older.
	index, age := s.node.Applied()
	if c == pb.Consistency_STALE {
		v = s.node.View()
	} else {
		var err error
		if v, err = s.node.LinearizableView(ctx); err != nil {
			return v, err
		}
		age = 0
	}
	_ = grpc.SetHeader(ctx, metadata.MD{ // fails only where there is no caller
		headerAppliedIndex: {strconv.FormatUint(index, 10)},
		headerAge:          {strconv.FormatInt(age.Milliseconds(), 10)},
	})
	return v, nil
}
