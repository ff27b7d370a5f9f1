package rpc

import (
	"context"
	"fmt"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// newREST makes the HTTP face: the gateway over the in-process channel, and what
// is not part of the API.
func (s *Server) newREST(channel grpc.ClientConnInterface, gatherer prometheus.Gatherer, hosts []string) (http.Handler, error) {
	gateway := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, jsonMarshaler{}),
		runtime.WithIncomingHeaderMatcher(incomingHeader),
		runtime.WithOutgoingHeaderMatcher(outgoingHeader),
		runtime.WithOutgoingTrailerMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithErrorHandler(s.restError),
		runtime.WithRoutingErrorHandler(s.restRoutingError),
		runtime.WithMiddlewares(s.knownQuery(queryParameters())),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithWriteContentLength(),
	)
	ctx := context.Background() // the registrations do not keep it
	for _, err := range []error{
		pb.RegisterConfigurationServiceHandlerClient(ctx, gateway, pb.NewConfigurationServiceClient(channel)),
		pb.RegisterGroupServiceHandlerClient(ctx, gateway, pb.NewGroupServiceClient(channel)),
		pb.RegisterRuleServiceHandlerClient(ctx, gateway, pb.NewRuleServiceClient(channel)),
		pb.RegisterAlarmTaskServiceHandlerClient(ctx, gateway, pb.NewAlarmTaskServiceClient(channel)),
		pb.RegisterScheduledTaskServiceHandlerClient(ctx, gateway, pb.NewScheduledTaskServiceClient(channel)),
		pb.RegisterInstanceServiceHandlerClient(ctx, gateway, pb.NewInstanceServiceClient(channel)),
		pb.RegisterLifecycleHookServiceHandlerClient(ctx, gateway, pb.NewLifecycleHookServiceClient(channel)),
		pb.RegisterNotificationServiceHandlerClient(ctx, gateway, pb.NewNotificationServiceClient(channel)),
		pb.RegisterActivityServiceHandlerClient(ctx, gateway, pb.NewActivityServiceClient(channel)),
		pb.RegisterDecisionServiceHandlerClient(ctx, gateway, pb.NewDecisionServiceClient(channel)),
		pb.RegisterMetricServiceHandlerClient(ctx, gateway, pb.NewMetricServiceClient(channel)),
		pb.RegisterClusterServiceHandlerClient(ctx, gateway, pb.NewClusterServiceClient(channel)),
		gateway.HandlePath(http.MethodGet, "/v1/events:watch", s.watchHandler(gateway, pb.NewEventServiceClient(channel))),
	} {
		if err != nil {
			return nil, fmt.Errorf("register REST: %w", err)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.limited(gateway))
	s.registerOperational(mux, gatherer)
	return s.recovering(s.guarded(hosts, mux)), nil
}

// incomingHeader is which of a caller's headers become metadata.
func incomingHeader(key string) (string, bool) {
	switch key {
	case "X-Request-Id":
		return headerRequestID, true
	case "As-Principal":
		return headerPrincipal, true
	}
	return "", false
}

// outgoingHeader is which metadata of an answer become headers.
func outgoingHeader(key string) (string, bool) {
	return key, key == headerAppliedIndex || key == headerAge
}
