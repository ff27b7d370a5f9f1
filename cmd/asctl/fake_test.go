package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// The time that everything in the fake happened at, and the time that it is.
var (
	then = time.Date(2026, 1, 31, 18, 0, 0, 0, time.UTC)
	now  = then.Add(5*time.Minute + 20*time.Second)
)

// fake is a server that keeps what it is told, as the real one does as far as a
// client can see: full names, defaults, field masks. What else it should answer,
// a test says.
type fake struct {
	mu        sync.Mutex
	resources []proto.Message
	// answers replace what the fake would do, by method.
	answers map[string]func(proto.Message) (proto.Message, error)
	// events are sent to who watches; then the stream ends with endWatch, or stays.
	events   []*pb.Event
	endWatch error

	requests []string
	seen     []proto.Message
	metadata metadata.MD
}

func newFake(resources ...proto.Message) *fake {
	return &fake{resources: resources, answers: map[string]func(proto.Message) (proto.Message, error){}}
}

// serve answers on the listener until the test ends.
func (f *fake) serve(t testing.TB, listener net.Listener) {
	server := grpc.NewServer(grpc.UnknownServiceHandler(f.handle))
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-done })
}

func (f *fake) answer(method string, m proto.Message, err error) *fake {
	f.answers[method] = func(proto.Message) (proto.Message, error) { return m, err }
	return f
}

func (f *fake) handle(_ any, stream grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(stream)
	service, method, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return status.Errorf(codes.Unimplemented, "%s", path)
	}
	md := d.(protoreflect.ServiceDescriptor).Methods().ByName(protoreflect.Name(method))
	t, err := protoregistry.GlobalTypes.FindMessageByName(md.Input().FullName())
	if err != nil {
		return err
	}
	request := t.New().Interface()
	if err := stream.RecvMsg(request); err != nil {
		return err
	}
	f.record(stream.Context(), method, request)
	if method == "WatchEvents" {
		return f.watch(stream, request.(*pb.WatchEventsRequest))
	}
	response, err := f.respond(method, request)
	if err != nil {
		return err
	}
	return stream.SendMsg(response)
}

func (f *fake) record(ctx context.Context, method string, request proto.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.metadata, _ = metadata.FromIncomingContext(ctx)
	f.seen = append(f.seen, request)
	shown := proto.Clone(request)
	if id := shown.ProtoReflect().Descriptor().Fields().ByName("request_id"); id != nil && len(shown.ProtoReflect().Get(id).String()) == 36 {
		shown.ProtoReflect().Set(id, protoreflect.ValueOfString("random"))
	}
	line, _ := output.CompactJSON(shown)
	f.requests = append(f.requests, method+" "+strings.TrimSpace(string(line)))
}

func (f *fake) recorded() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

func (f *fake) watch(stream grpc.ServerStream, r *pb.WatchEventsRequest) error {
	f.mu.Lock()
	events, end := slices.Clone(f.events), f.endWatch
	f.mu.Unlock()
	for _, e := range events {
		if e.Index > r.AfterIndex {
			if err := stream.SendMsg(e); err != nil {
				return err
			}
		}
	}
	if end != nil {
		return end
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}

func (f *fake) respond(method string, request proto.Message) (proto.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if answer := f.answers[method]; answer != nil {
		return answer(request)
	}
	r := request.ProtoReflect()
	field := func(name protoreflect.Name) protoreflect.Value { return r.Get(r.Descriptor().Fields().ByName(name)) }
	for _, k := range kinds {
		message := string(k.empty.ProtoReflect().Descriptor().Name())
		plural := strings.TrimSuffix(message, "y") + map[bool]string{true: "ies", false: "s"}[strings.HasSuffix(message, "y")]
		switch method {
		case "Create" + message:
			return f.create(k, field("parent").String()+"/"+k.collection+"/"+field(snakeOf(message)+"_id").String(), field(snakeOf(message)).Message().Interface(), field("validate_only").Bool())
		case "Get" + message:
			return f.get(field("name").String())
		case "List" + plural:
			return f.list(method, field("parent").String()+"/"+k.collection+"/", r)
		case "Update" + message:
			return f.update(field(snakeOf(message)).Message().Interface(), r)
		case "Delete" + message:
			return f.remove(k, field("name").String())
		}
	}
	return nil, status.Errorf(codes.Unimplemented, "%s", method)
}

func (f *fake) find(name string) int {
	return slices.IndexFunc(f.resources, func(m proto.Message) bool { return nameOf(m) == name })
}

func (f *fake) get(name string) (proto.Message, error) {
	if i := f.find(name); i >= 0 {
		return f.resources[i], nil
	}
	return nil, refused(codes.NotFound, "NOT_FOUND", shortName(name)+" does not exist")
}

func (f *fake) create(k *kind, name string, m proto.Message, dry bool) (proto.Message, error) {
	if f.find(name) >= 0 {
		return nil, refused(codes.AlreadyExists, "ALREADY_EXISTS", shortName(name)+" exists")
	}
	if parent, _ := parentOf(name); k.inGroup && f.find(parent) < 0 {
		return nil, refused(codes.NotFound, "NOT_FOUND", shortName(parent)+" does not exist")
	}
	setText(m, "name", name)
	f.complete(m)
	if !dry {
		f.resources = append(f.resources, m)
	}
	if target, ok := m.(*pb.NotificationTarget); ok {
		// The answer shows the secret, and nothing else does.
		answer := proto.Clone(target).(*pb.NotificationTarget)
		if answer.GetWebhook().Secret == "" {
			answer.GetWebhook().Secret = "whsec_bWFkZSBieSB0aGUgZmFrZSBzZXJ2ZXI="
		}
		target.GetWebhook().Secret = ""
		return answer, nil
	}
	return m, nil
}

// complete fills in what the server would.
func (f *fake) complete(m proto.Message) {
	r := m.ProtoReflect()
	r.Set(r.Descriptor().Fields().ByName("create_time"), protoreflect.ValueOfMessage(timestamppb.New(then).ProtoReflect()))
	setText(m, "etag", "1")
	switch m := m.(type) {
	case *pb.Group:
		m.State, m.Paused = pb.Group_ACTIVE, false
		for _, h := range m.Hooks {
			h.Name = m.Name + "/lifecycleHooks/" + h.Name
			f.resources = append(f.resources, h)
		}
		m.Hooks = nil
		if m.DesiredCapacity == nil {
			m.DesiredCapacity = m.MinSize
		}
		if c := m.Configuration; c != nil && !strings.Contains(c.Name, "/") {
			c.Name = "namespaces/" + namespaceOf(m.Name) + "/configurations/" + c.Name
		}
		if c := m.Configuration; c != nil && c.Version == nil {
			c.Version = structpb.NewStringValue("LATEST")
		}
		for _, b := range m.Balancers {
			if b.Weight == nil {
				b.Weight = proto.Int32(1)
			}
		}
	case *pb.Configuration:
		m.Version++
	case *pb.AlarmTask:
		m.State = pb.AlarmTask_INSUFFICIENT_DATA
	}
}

func (f *fake) list(method, prefix string, r protoreflect.Message) (proto.Message, error) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("autoscaling.v1." + method + "Response"))
	if err != nil {
		return nil, err
	}
	response := t.New()
	items := response.Mutable(collectionField(response)).List()
	filter := r.Get(r.Descriptor().Fields().ByName("filter")).String()
	size := int(r.Get(r.Descriptor().Fields().ByName("page_size")).Int())
	total := 0
	for _, m := range f.resources {
		if a, ok := m.(*pb.Activity); ok && filter == "status = IN_PROGRESS" && a.Status != pb.Activity_IN_PROGRESS {
			continue
		}
		if rest, ok := strings.CutPrefix(nameOf(m), prefix); ok && !strings.Contains(rest, "/") {
			if total++; items.Len() < size {
				items.Append(protoreflect.ValueOfMessage(m.ProtoReflect()))
			}
		}
	}
	response.Set(response.Descriptor().Fields().ByName("total_size"), protoreflect.ValueOfInt32(int32(total)))
	if total > items.Len() {
		setToken(response, "more")
	}
	return response.Interface(), nil
}

type maskPaths interface{ GetPaths() []string }

func (f *fake) update(m proto.Message, r protoreflect.Message) (proto.Message, error) {
	i := f.find(nameOf(m))
	if i < 0 {
		return nil, refused(codes.NotFound, "NOT_FOUND", shortName(nameOf(m))+" does not exist")
	}
	updated := proto.Clone(f.resources[i])
	paths := r.Get(r.Descriptor().Fields().ByName("update_mask")).Message().Interface().(maskPaths).GetPaths()
	for _, path := range paths {
		from, to := m.ProtoReflect(), updated.ProtoReflect()
		segments := strings.Split(path, ".")
		for _, segment := range segments[:len(segments)-1] {
			field := from.Descriptor().Fields().ByName(protoreflect.Name(segment))
			from, to = from.Get(field).Message(), to.Mutable(field).Message()
		}
		field := from.Descriptor().Fields().ByName(protoreflect.Name(segments[len(segments)-1]))
		to.Clear(field)
		if from.Has(field) {
			to.Set(field, from.Get(field))
		}
	}
	f.complete(updated)
	f.resources[i] = updated
	return updated, nil
}

func (f *fake) remove(k *kind, name string) (proto.Message, error) {
	if f.find(name) < 0 {
		return nil, refused(codes.NotFound, "NOT_FOUND", shortName(name)+" does not exist")
	}
	f.resources = slices.DeleteFunc(f.resources, func(m proto.Message) bool {
		return nameOf(m) == name || strings.HasPrefix(nameOf(m), name+"/")
	})
	if k == groups {
		return activity(name, 9, pb.Activity_DELETE_GROUP, pb.Activity_SUCCESSFUL), nil
	}
	return &emptypb.Empty{}, nil
}

func snakeOf(name string) protoreflect.Name {
	var b strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return protoreflect.Name(b.String())
}

// refused is an error as the server makes it.
func refused(code codes.Code, reason, message string, more ...protoadapt.MessageV1) error {
	return refusedWith(code, reason, message, nil, more...)
}

func refusedWith(code codes.Code, reason, message string, data map[string]string, more ...protoadapt.MessageV1) error {
	s, err := status.New(code, message).WithDetails(append([]protoadapt.MessageV1{
		&errdetails.ErrorInfo{Reason: reason, Domain: "autoscaling", Metadata: data},
	}, more...)...)
	if err != nil {
		panic(err)
	}
	return s.Err()
}

const webGroup = "namespaces/default/groups/web"

func activity(group string, id int, kind pb.Activity_Kind, state pb.Activity_Status) *pb.Activity {
	return &pb.Activity{
		Name: fmt.Sprintf("%s/activities/%d", group, id), Group: group, Kind: kind, Status: state,
		Trigger: &pb.Activity_Trigger{Kind: pb.Activity_Trigger_MANUAL}, Cause: "somebody asked",
		FromCapacity: proto.Int32(2), ToCapacity: proto.Int32(5), Count: proto.Int32(3), ProgressPercent: proto.Int32(0),
		StartTime: timestamppb.New(then),
	}
}
