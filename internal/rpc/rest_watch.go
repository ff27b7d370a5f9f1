package rpc

import (
	"context"
	"net/http"
	"time"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// watchHandler streams events as one JSON object per line, {"result":{…}}. The
// generated handler would hold the header back until the first event, and would
// wrap an error that comes before it.
func (s *Server) watchHandler(gateway *runtime.ServeMux, client pb.EventServiceClient) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		fail := func(err error) { s.restError(ctx, gateway, nil, w, r, err) }
		req := &pb.WatchEventsRequest{}
		if err := runtime.PopulateQueryParameters(req, r.URL.Query(), utilities.NewDoubleArray(nil)); err != nil {
			fail(status.Error(codes.InvalidArgument, err.Error()))
			return
		}
		ctx, err := runtime.AnnotateContext(ctx, gateway, r, pb.EventService_WatchEvents_FullMethodName)
		if err != nil {
			fail(err)
			return
		}
		stream, err := client.WatchEvents(ctx, req)
		if err != nil {
			fail(err)
			return
		}
		header, err := stream.Header()
		if err == nil && len(header) == 0 { // refused before it stood
			_, err = stream.Recv()
		}
		if err != nil {
			fail(err)
			return
		}
		for key, values := range header {
			if name, ok := outgoingHeader(key); ok {
				w.Header()[http.CanonicalHeaderKey(name)] = values
			}
		}
		w.Header().Set("Content-Type", "application/json")
		s.writeEvents(w, stream)
	}
}

func (s *Server) writeEvents(w http.ResponseWriter, stream grpc.ServerStreamingClient[pb.Event]) {
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // a watch has no end
	if out.Flush() != nil {               // tells the caller that the watch stands
		return
	}
	for { // ends with the stream, or the caller
		event, err := stream.Recv()
		line, err := eventLine(event, err)
		if _, broken := w.Write(line); broken != nil || err != nil || out.Flush() != nil {
			return
		}
	}
}

// eventLine is an event as a line, or the error that ends the watch.
func eventLine(event *pb.Event, err error) ([]byte, error) {
	key, m := `{"result":`, proto.Message(event)
	if err != nil {
		key, m = `{"error":`, status.Convert(err).Proto()
	}
	line, encodeErr := protojson.MarshalOptions{}.MarshalAppend([]byte(key), m)
	if encodeErr != nil {
		err = autoscaling.Errorf(autoscaling.InvalidArgument, "an event cannot be shown: %s", encodeErr)
	}
	return append(line, '}', '\n'), err
}
