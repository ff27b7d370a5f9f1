package rpc

import (
	"context"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/asctl/as/internal/autoscaling"
)

// restError answers a call's error, or one of the gateway's own (a body or
// parameter that cannot be read), as the Status that it is.
func (s *Server) restError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, _ *http.Request, err error) {
	st := status.Convert(err)
	if st.Code() == codes.InvalidArgument && len(st.Details()) == 0 { // also makes text of what is none
		st = refusal(autoscaling.Errorf(autoscaling.InvalidArgument, "%s", st.Message()))
	}
	s.writeError(w, runtime.HTTPStatusFromCode(st.Code()), st)
}

// restRoutingError answers what leads to no method.
func (s *Server) restRoutingError(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	switch code {
	case http.StatusMethodNotAllowed:
		s.writeError(w, code, withDetails(status.New(codes.Unimplemented, shortened(r.Method+" is not possible on "+r.URL.Path)),
			errorInfo(autoscaling.InvalidArgument, nil)))
	case http.StatusNotFound:
		s.writeError(w, code, withDetails(status.New(codes.NotFound, shortened("there is nothing at "+r.URL.Path)), errorInfo(autoscaling.NotFound, nil)))
	default:
		s.writeError(w, http.StatusBadRequest, refusal(autoscaling.Errorf(autoscaling.InvalidArgument, "%s", strings.ToLower(http.StatusText(code)))))
	}
}

// writeError writes google.rpc.Status as JSON.
func (s *Server) writeError(w http.ResponseWriter, code int, st *status.Status) {
	data, err := protojson.Marshal(st.Proto())
	if err != nil {
		s.logger.Error("encode an error", "error", err)
		code, data = http.StatusInternalServerError, []byte(`{"code":13,"message":"internal error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(data) // the caller went away: nobody is left to tell
}
