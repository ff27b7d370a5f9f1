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

	"github.com/asctl/as/internal/intake"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// watchHandler streams events as one JSON object per line, {"result":{…}}. The
// generated handler would hold the header back until the first event, and would
// wrap an error that comes before it.
func (s *Server) watchHandler(gateway *runtime.ServeMux, client pb.EventServiceClient) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), sourceKey{}, r.RemoteAddr))
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
		intake.FromContext(r.Context()).SetWriteBuffer(watchBuffer)
		s.writeEvents(w, stream)
	}
}

// A watcher that takes nothing for watchStall is let go; until then the kernel
// holds watchBuffer for it and not more, so that it soon costs nothing.
const (
	watchStall  = 30 * time.Second
	watchBuffer = 64 << 10
)

func (s *Server) writeEvents(w http.ResponseWriter, stream grpc.ServerStreamingClient[pb.Event]) {
	out := http.NewResponseController(w)
	patience := func() { _ = out.SetWriteDeadline(time.Now().Add(watchStall)) } // none where it is not supported
	patience()
	if out.Flush() != nil { // tells the caller that the watch stands
		return
	}
	for { // ends with the stream, or the caller
		var event watchedLine
		err := stream.RecvMsg(&event)
		if err != nil {
			event.line = eventLine(nil, err)
		}
		patience()
		if _, broken := w.Write(event.line); broken != nil || err != nil {
			return
		}
		if !event.more && out.Flush() != nil {
			return
		}
	}
}

// eventLine is an event as a line, or the error that ends the watch.
func eventLine(event *pb.Event, err error) []byte {
	key, m := `{"result":`, proto.Message(event)
	if err != nil {
		key, m = `{"error":`, status.Convert(err).Proto()
	}
	line, err := protojson.MarshalOptions{}.MarshalAppend([]byte(key), m)
	if err != nil { // what is not text is shown without its words
		line, _ = protojson.MarshalOptions{}.MarshalAppend([]byte(key), &pb.Event{Index: event.GetIndex(), Time: event.GetTime(), Type: event.GetType()})
	}
	return append(line, '}', '\n')
}
