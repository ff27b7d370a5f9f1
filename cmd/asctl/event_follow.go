package main

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/asctl/as/cmd/asctl/client"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

const (
	// followPatience is how long no node may answer before following ends.
	followPatience = time.Minute
	followPause    = 100 * time.Millisecond
)

// errEnough ends following without being an error.
var errEnough = errors.New("enough")

// follow calls each for every event, in order, until ctx ends or each answers an
// error. When a node dies it goes on at the next from the last index it saw, so
// that no event is missed and none comes twice.
func follow(ctx context.Context, conn *client.Cluster, request *pb.WatchEventsRequest, each func(*pb.Event) error) error {
	broken := time.Now()
	for {
		progressed, err := followOnce(ctx, conn, request, each)
		var end *eachError
		switch {
		case errors.As(err, &end):
			return end.error
		case ctx.Err() != nil:
			return ctx.Err()
		case !resumable(err):
			return err
		}
		if progressed {
			broken = time.Now()
		}
		if time.Since(broken) > followPatience {
			return err
		}
		conn.Next()
		if err := sleep(ctx, followPause); err != nil {
			return err
		}
	}
}

// eachError is an error of the caller's, not of the stream.
type eachError struct{ error }

// followOnce follows one stream to its end and moves the request's index along.
func followOnce(ctx context.Context, conn *client.Cluster, request *pb.WatchEventsRequest, each func(*pb.Event) error) (progressed bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := time.Now()
	stream, err := pb.NewEventServiceClient(conn).WatchEvents(ctx, request)
	if err != nil {
		return false, err
	}
	for {
		event, err := stream.Recv()
		if err != nil {
			// A quiet stream that stood for a while was no failure either.
			return progressed || time.Since(start) > followPatience/2, err
		}
		progressed = true
		request.AfterIndex = event.Index
		if err := each(event); err != nil {
			return true, &eachError{err}
		}
	}
}

// resumable errors say something about the node or the connection; a stream that
// just ends, too: the node is shutting down.
func resumable(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.Internal, codes.Unknown, codes.Aborted, codes.Canceled, codes.DeadlineExceeded:
		return client.Reason(err) == "" || status.Code(err) == codes.Unavailable
	}
	return false
}
