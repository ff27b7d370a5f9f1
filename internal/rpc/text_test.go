package rpc

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/autoscaling/text"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// eachStringField gives make's message once for each of its string fields, nested
// ones included, with the string set in it.
func eachStringField(m protoreflect.MessageType, s string, depth int, visit func(path string, f protoreflect.FieldDescriptor, m protoreflect.Message)) {
	if depth == 0 {
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		name := string(f.Name())
		switch {
		case f.IsMap():
			if f.MapKey().Kind() == protoreflect.StringKind && f.MapValue().Kind() == protoreflect.StringKind {
				whole := m.New()
				whole.Mutable(f).Map().Set(protoreflect.ValueOfString("k").MapKey(), protoreflect.ValueOfString(s))
				visit(name+"[k]", f, whole)
				whole = m.New()
				whole.Mutable(f).Map().Set(protoreflect.ValueOfString(s).MapKey(), protoreflect.ValueOfString("v"))
				visit(name+": key", f.MapKey(), whole)
			}
		case f.Kind() == protoreflect.StringKind && f.IsList():
			whole := m.New()
			whole.Mutable(f).List().Append(protoreflect.ValueOfString(s))
			visit(name+"[0]", f, whole)
		case f.Kind() == protoreflect.StringKind:
			whole := m.New()
			whole.Set(f, protoreflect.ValueOfString(s))
			visit(name, f, whole)
		case f.Message() != nil && f.IsList():
			inner := m.New().Mutable(f).List().NewElement().Message().Type()
			eachStringField(inner, s, depth-1, func(path string, at protoreflect.FieldDescriptor, m2 protoreflect.Message) {
				whole := m.New()
				whole.Mutable(f).List().Append(protoreflect.ValueOfMessage(m2))
				visit(name+"[0]."+path, at, whole)
			})
		case f.Message() != nil:
			inner := m.New().Mutable(f).Message().Type()
			eachStringField(inner, s, depth-1, func(path string, at protoreflect.FieldDescriptor, m2 protoreflect.Message) {
				whole := m.New()
				whole.Set(f, protoreflect.ValueOfMessage(m2))
				visit(name+"."+path, at, whole)
			})
		}
	}
}

// TestEveryStringOfEveryRequestIsChecked walks the whole API: no field that is added
// one day can be forgotten.
func TestEveryStringOfEveryRequestIsChecked(t *testing.T) {
	seen := map[protoreflect.FullName]bool{}
	for _, s := range []string{"\xff\xfe", "a\x00b", "\x1b[31m", "x\x7f", "x\u0085", "two\nlines", strings.Repeat("x", text.MaxLines+1), strings.Repeat("x", text.MaxLine+1)} {
		for _, request := range requests() {
			eachStringField(request.ProtoReflect().Type(), s, 6, func(path string, f protoreflect.FieldDescriptor, m protoreflect.Message) {
				seen[f.FullName()] = true
				err := checkTexts(m.Interface())
				if multiline[f.FullName()] && text.CheckLines(s) == nil {
					if err != nil {
						t.Errorf("%s %s: %q is refused: %v", m.Descriptor().Name(), path, s, err)
					}
					return
				}
				refused, ok := err.(*autoscaling.Error)
				if !ok || refused.Reason != autoscaling.InvalidArgument || refused.Field != inResource(path) {
					t.Errorf("%s %s: %.20q is refused with %+v", m.Descriptor().Name(), path, s, err)
				}
				// Also what is only passed on can be shown.
				if _, err := marshal(m.Interface()); err != nil {
					t.Errorf("%s %s: %v", m.Descriptor().Name(), path, err)
				}
				if _, err := (jsonMarshaler{}).Marshal(m.Interface()); err != nil && !strings.HasPrefix(path, "update_mask") { // never shown
					t.Errorf("%s %s: %v", m.Descriptor().Name(), path, err)
				}
			})
		}
	}
	for name := range multiline {
		if !seen[name] {
			t.Errorf("there is no request with the field %s", name)
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d fields were found", len(seen))
	}
}

func TestBadTextIsRefusedOnEveryWayIn(t *testing.T) {
	c := startCluster(t, 2)
	leader, follower := c.nodes[0], c.nodes[1]
	setUp(t, leader)
	for _, n := range []*testNode{leader, follower} {
		client := n.clients()
		_, err := client.PauseGroup(context.Background(), &pb.PauseGroupRequest{Name: web, RequestId: "a\x00b"})
		st := wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
		if v := detail[*errdetails.BadRequest](t, st).GetFieldViolations(); len(v) != 1 || v[0].GetField() != "request_id" {
			t.Errorf("%s: violations %v", n.id, v)
		}
		_, err = client.CreateGroup(context.Background(), &pb.CreateGroupRequest{Parent: ns, GroupId: "z", Group: &pb.Group{
			MaxSize: p(int32(1)), Zones: []*pb.Group_Zone{{Zone: "../z"}},
		}})
		st = wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
		if v := detail[*errdetails.BadRequest](t, st).GetFieldViolations(); v[0].GetField() != "zones[0].zone" {
			t.Errorf("%s: violations %v", n.id, v)
		}
		ctx := metadata.NewOutgoingContext(context.Background(), metadata.Pairs(headerPrincipal, strings.Repeat("x", maxHeader+1)))
		_, err = client.PauseGroup(ctx, &pb.PauseGroupRequest{Name: web})
		wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)

		for _, path := range []string{
			"/v1/namespaces/default/groups/web?force=true&requestId=%ff%fe",
			"/v1/namespaces/default/groups/web?force=true&requestId=a%00b",
			"/v1/namespaces/default/groups/w%ffb",
			"/v1/namespaces/default/groups/w%0ab",
		} {
			if code, body := restCall(n, http.MethodDelete, path, "", nil); code != http.StatusBadRequest || !strings.Contains(body, "INVALID_ARGUMENT") {
				t.Errorf("%s: DELETE %s: %d %s", n.id, path, code, body)
			}
		}
		if code, body := restCall(n, http.MethodPost, "/v1/namespaces/default/groups/web:pause", "{}",
			http.Header{"As-Principal": {"Jos\xc3\xa9"}}); code != http.StatusBadRequest || !strings.Contains(body, headerPrincipal) {
			t.Errorf("%s: a principal that cannot be handed on: %d %s", n.id, code, body)
		}
	}
	if g := leader.View().GroupByID("default", "web"); g.State != autoscaling.GroupActive {
		t.Errorf("the group is %v", g.State)
	}
}

func restCall(n *testNode, method, path, body string, header http.Header) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1"
	r.Header.Set("Content-Type", "application/json")
	for key, values := range header {
		r.Header[key] = values
	}
	w := httptest.NewRecorder()
	n.server.HTTP().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestARequestThatCannotBeDecodedIsInvalid(t *testing.T) {
	c := startCluster(t, 2)
	for _, n := range c.nodes {
		for _, data := range [][]byte{{0xff}, {0x0a, 0x05, 'a'}, {0x0a, 0x01, 0xff}} {
			err := n.conn.Invoke(context.Background(), pb.GroupService_PauseGroup_FullMethodName, &raw{data: data}, new(raw), grpc.ForceCodecV2(newCodec()))
			st := status.Convert(err)
			if st.Code() != codes.InvalidArgument || reasonOf(st) != autoscaling.InvalidArgument {
				t.Errorf("%s: % x: %v", n.id, data, st)
			}
		}
	}
}

// TestAnEventThatIsNoTextIsShownRepaired is for the day on which one gets into the
// state all the same.
func TestAnEventThatIsNoTextIsShownRepaired(t *testing.T) {
	e := encode(&autoscaling.Event{Index: 7, Message: "503 \xff\xfe", Details: map[string]string{"a\xffb": "c\xff"}})
	var m pb.Event
	if err := proto.Unmarshal(e.data, &m); err != nil {
		t.Fatal(err)
	}
	if m.GetIndex() != 7 || m.GetMessage() != `503 \xff\xfe` || m.GetAttributes()[`a\xffb`] != `c\xff` {
		t.Errorf("it is %v", &m)
	}
}

// TestAPanicEndsOneCall: a panic below the interceptors, in a REST handler, and in
// the feed.
func TestAPanicEndsOneCall(t *testing.T) {
	c := startCluster(t, 1)
	n := c.nodes[0]
	r := &route{method: "/test/Panics", place: anywhere, metrics: n.server.metrics.method("/test/Panics")}
	r.local = func(any, context.Context, func(any) error, grpc.UnaryServerInterceptor) (any, error) {
		panic("on purpose")
	}
	_, err := n.server.unaryHandler(r)(nil, context.Background(), func(any) error { return nil }, nil)
	wantError(t, err, codes.Internal, reasonInternal)

	recorder := httptest.NewRecorder()
	n.server.recovering(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("on purpose") })).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/v1/x", nil))
	if recorder.Code != http.StatusInternalServerError || !strings.Contains(recorder.Body.String(), "internal error ") {
		t.Errorf("%d %s", recorder.Code, recorder.Body)
	}
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler {
				t.Errorf("an answer that had begun ends with %v", p)
			}
		}()
		n.server.recovering(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "half")
			panic("on purpose")
		})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/v1/x", nil))
	}()

	runs := 0
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n.server.keep(ctx, "part", func(context.Context) {
		if runs++; runs == 1 {
			panic("on purpose")
		}
	})
	if runs != 2 {
		t.Errorf("a part that panicked runs %d times", runs)
	}
}
