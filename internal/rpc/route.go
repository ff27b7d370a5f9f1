package rpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// place is where a method is answered.
type place uint8

const (
	onLeader place = iota // changes something, or needs what only the leader has
	onReader              // on the leader, unless the message asks for STALE
	anywhere              // by the node that was asked
)

// elsewhere are the methods that are not for the leader alone. Those with a
// field consistency are reads.
var elsewhere = map[string]bool{
	pb.EventService_WatchEvents_FullMethodName:        true,
	pb.ClusterService_GetClusterStatus_FullMethodName: true,
}

// repeatable are the methods without consistency that may be carried out twice:
// when a forwarded one breaks it is simply asked again. Queries change nothing; a
// heartbeat moves a deadline to where the next one moves it again.
var repeatable = map[string]bool{
	pb.MetricService_QueryMetrics_FullMethodName:                          true,
	pb.LifecycleHookService_RecordLifecycleActionHeartbeat_FullMethodName: true,
}

// route is one method: where it is answered, and by what.
type route struct {
	method      string // "/autoscaling.v1.GroupService/GetGroup"
	place       place
	repeatable  bool
	consistency protowire.Number // the number of the field, of reads
	local       grpc.MethodHandler
	stream      grpc.StreamHandler
	streamDesc  grpc.StreamDesc
	intercept   grpc.UnaryServerInterceptor
	metrics     methodMetrics
}

// routed is desc with its handlers behind routes.
func (s *Server) routed(desc grpc.ServiceDesc) *grpc.ServiceDesc {
	service := descriptorOf(desc.ServiceName)
	methods := make([]grpc.MethodDesc, 0, len(desc.Methods))
	for _, m := range desc.Methods {
		r := s.newRoute(desc.ServiceName, m.MethodName, service)
		r.local = m.Handler
		r.intercept = s.interceptor(r)
		methods = append(methods, grpc.MethodDesc{MethodName: m.MethodName, Handler: s.unaryHandler(r)})
	}
	streams := make([]grpc.StreamDesc, 0, len(desc.Streams))
	for _, m := range desc.Streams {
		r := s.newRoute(desc.ServiceName, m.StreamName, service)
		r.stream = m.Handler
		m.Handler = s.streamHandler(r)
		r.streamDesc = m
		streams = append(streams, m)
	}
	desc.Methods, desc.Streams = methods, streams
	return &desc
}

func (s *Server) newRoute(service, method string, desc protoreflect.ServiceDescriptor) *route {
	r := &route{method: "/" + service + "/" + method}
	input := desc.Methods().ByName(protoreflect.Name(method)).Input()
	if f := input.Fields().ByName("consistency"); f != nil {
		r.place, r.repeatable, r.consistency = onReader, true, f.Number()
	}
	if elsewhere[r.method] {
		r.place = anywhere
	}
	if repeatable[r.method] {
		r.repeatable = true
	}
	r.metrics = s.metrics.method(r.method)
	return r
}

// descriptorOf panics for a service that is not in the generated code.
func descriptorOf(service string) protoreflect.ServiceDescriptor {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		panic("rpc: " + err.Error())
	}
	return d.(protoreflect.ServiceDescriptor)
}

// unaryHandler decides before the message is decoded: one that goes to the
// leader goes as it came.
func (s *Server) unaryHandler(r *route) grpc.MethodHandler {
	return func(srv any, ctx context.Context, take func(any) error, _ grpc.UnaryServerInterceptor) (answer any, err error) {
		defer s.recovered(r.method, &err)
		message, held := &decoding{}, 0
		if a := arrivalOf(ctx); a != nil {
			message.admit = func(size int) error {
				a.complete(size)
				if err := s.load.take(size); err != nil {
					return err
				}
				held = size
				return nil
			}
			defer func() { s.load.give(held) }()
		}
		return s.unary(srv, ctx, r, func(to any) error {
			message.to = to
			return message.receive(take)
		})
	}
}

func (s *Server) unary(srv any, ctx context.Context, r *route, decode func(any) error) (any, error) {
	if r.place == anywhere || s.node.Leader().Self {
		return r.local(srv, ctx, decode, r.intercept)
	}
	message := new(raw)
	if err := decode(message); err != nil {
		return nil, err
	}
	decoded := func(to any) error { return unreadable(s.codec.decode(message, to)) }
	if r.place == onReader && isStale(message.data, r.consistency) {
		return r.local(srv, ctx, decoded, r.intercept)
	}
	return s.serve(ctx, r, message, func(ctx context.Context, _ any) (any, error) {
		return s.forward(ctx, r, message, func(ctx context.Context) (any, error) {
			return r.local(srv, ctx, decoded, s.validating)
		})
	})
}

// isStale reads the one field that says who may answer from an encoded message.
func isStale(message []byte, field protowire.Number) bool {
	stale := false
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return false // broken: whoever decodes it says so
		}
		message = message[n:]
		if number == field && kind == protowire.VarintType {
			v, n := protowire.ConsumeVarint(message)
			if n < 0 {
				return false
			}
			stale = v == uint64(pb.Consistency_STALE)
			message = message[n:]
			continue
		}
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return false
		}
		message = message[n:]
	}
	return stale
}

// decode makes a message of its encoding.
func (codec) decode(from *raw, to any) error { return proto.Unmarshal(from.data, to.(proto.Message)) }
