package rpc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// brokenCodec sends bytes as they are, whatever they are.
type brokenCodec struct{ encoding.CodecV2 }

func (c brokenCodec) Marshal(v any) (mem.BufferSlice, error) {
	if b, ok := v.(*[]byte); ok {
		return mem.BufferSlice{mem.SliceBuffer(*b)}, nil
	}
	return c.CodecV2.Marshal(v)
}

func TestUndecodableMessagesAreInvalid(t *testing.T) {
	c := startCluster(t, 2)
	setUp(t, c.nodes[0])
	broken := []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x07, 'x'} // a field that is longer than the message
	option := grpc.ForceCodecV2(brokenCodec{encoding.GetCodecV2(protocodec.Name)})
	for _, n := range c.nodes { // the leader, and one that forwards
		for _, method := range []string{
			pb.GroupService_CreateGroup_FullMethodName, pb.GroupService_GetGroup_FullMethodName, pb.ClusterService_GetClusterStatus_FullMethodName,
			pb.ClusterService_TransferLeadership_FullMethodName, pb.MetricService_PutMetrics_FullMethodName,
		} {
			st := wantError(t, n.conn.Invoke(context.Background(), method, &broken, &pb.Group{}, option), codes.InvalidArgument, autoscaling.InvalidArgument)
			if !strings.Contains(st.Message(), "cannot be decoded") || strings.Contains(st.Message(), "proto:") {
				t.Errorf("%s on %s: %s", method, n.id, st.Message())
			}
		}
		for _, method := range []string{pb.EventService_WatchEvents_FullMethodName, pb.MetricService_PutMetricsStream_FullMethodName} {
			stream, err := n.conn.NewStream(context.Background(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method, option)
			if err != nil {
				t.Fatal(err)
			}
			if err := stream.SendMsg(&broken); err != nil && err != io.EOF {
				t.Fatal(err)
			}
			if err := stream.CloseSend(); err != nil {
				t.Fatal(err)
			}
			wantError(t, stream.RecvMsg(&pb.Event{}), codes.InvalidArgument, autoscaling.InvalidArgument)
		}
	}
	// An undecodable STALE read on a follower: field 2 is STALE, then it breaks.
	stale := append([]byte{0x10, byte(pb.Consistency_STALE)}, broken...)
	wantError(t, c.nodes[1].conn.Invoke(context.Background(), pb.GroupService_GetGroup_FullMethodName, &stale, &pb.Group{}, option),
		codes.InvalidArgument, autoscaling.InvalidArgument)
}

func open(l *arrivals) (n, counted int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for a := l.first; a != nil; a = a.next {
		n++
		if a.counted {
			counted++
		}
	}
	return n, counted
}

// Calls of which only the headers come end, and others do not.
func TestCallsWithoutAMessageEnd(t *testing.T) {
	c := startCluster(t, 1)
	setUp(t, c.nodes[0])
	l := c.nodes[0].server.arrivals
	start := func(method string) grpc.ClientStream {
		t.Helper()
		before, _ := open(l)
		s, err := c.nodes[0].conn.NewStream(context.Background(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method)
		if err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { n, _ := open(l); return n == before+1 })
		return s
	}
	now := time.Now()
	l.sweep(now) // what setUp called is over
	silent := []grpc.ClientStream{
		start(pb.GroupService_GetGroup_FullMethodName), start(pb.EventService_WatchEvents_FullMethodName), start("/grpc.health.v1.Health/Check"),
	}
	stream := start(pb.MetricService_PutMetricsStream_FullMethodName)
	watching := start(pb.EventService_WatchEvents_FullMethodName)
	if err := watching.SendMsg(&pb.WatchEventsRequest{AfterIndex: -1}); err != nil {
		t.Fatal(err)
	}
	if err := watching.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := watching.Header(); err != nil {
		t.Fatal(err)
	}
	if n, counted := open(l); n != 4 || counted != 4 {
		t.Errorf("%d calls wait for a message, %d are counted", n, counted)
	}
	l.sweep(now.Add(firstMessage - time.Second))
	if n, _ := open(l); n != 4 {
		t.Errorf("%d calls are left before their time", n)
	}
	l.sweep(time.Now().Add(firstMessage))
	for _, s := range silent {
		if err := s.RecvMsg(&pb.Event{}); err == nil {
			t.Error("a call without a message goes on")
		}
	}
	// A client stream may wait longer, and longer again after each message.
	if n, _ := open(l); n != 1 {
		t.Errorf("%d calls are left, want the client stream", n)
	}
	if err := stream.SendMsg(&pb.PutMetricsStreamRequest{Parent: web, Samples: []*pb.Sample{{Metric: "m", Value: 1}}}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { _, counted := open(l); return counted == 0 })
	l.sweep(time.Now().Add(nextMessage))
	if err := stream.RecvMsg(&pb.PutMetricsStreamResponse{}); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a client stream without messages goes on: %v", err)
	}
	if n, _ := open(l); n != 0 {
		t.Errorf("%d calls are left", n)
	}
	c.emit("default", "web", 1)
	if err := watching.RecvMsg(&pb.Event{}); err != nil {
		t.Errorf("the watch ended: %v", err)
	}
}

// The case of the review: a million empty strings are refused without decoding
// them.
func TestJSONOfTooManyValuesIsRefusedFirst(t *testing.T) {
	many := `{"provider":"sim","args":[` + strings.Repeat(`"",`, 1<<20) + `""]}`
	if err := (jsonMarshaler{}).Unmarshal([]byte(many), &pb.Configuration{}); err == nil || !strings.Contains(err.Error(), "more than 20000 values") {
		t.Errorf("%v", err)
	}
	if n := testing.AllocsPerRun(1, func() { _ = (jsonMarshaler{}).Unmarshal([]byte(many), &pb.Configuration{}) }); n > 20 {
		t.Errorf("%v allocations to refuse it", n)
	}
	// What separates values inside a text does not.
	if err := checkCount([]byte(`{"userData":"`+strings.Repeat(`,[\"{`, 50_000)+`"}`), &pb.Configuration{}); err != nil {
		t.Error(err)
	}
	samples := `{"samples":[` + strings.Repeat(`{"metric":"m","value":1,"time":"2026-11-21T12:00:00Z"},`, 999) + `{"metric":"m","value":1}]}`
	if err := checkCount([]byte(samples), &pb.PutMetricsRequest{}); err != nil {
		t.Error(err)
	}
	c := startCluster(t, 1)
	w := c.nodes[0].rest("POST", "/v1/namespaces/default/configurations?configurationId=many", strings.NewReader(many))
	wantRESTError(t, w, 400, codes.InvalidArgument, autoscaling.InvalidArgument)
}

func TestBodiesAreReadAsTheyCome(t *testing.T) {
	for _, size := range []int{0, 1, 1023, 1024, 1025, largePiece - 1, largePiece, largePiece + 1, 1 << 20, maxBody} {
		want := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
		r := httptest.NewRequest("POST", "/", io.MultiReader(bytes.NewReader(want[:size/3]), bytes.NewReader(want[size/3:])))
		got, err := readBody(httptest.NewRecorder(), r)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
	}
	// Four MiB that are only announced cost a kilobyte.
	r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader("{"), brokenReader{}))
	r.ContentLength = maxBody
	if n := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), brokenReader{}))
			_, _ = readBody(httptest.NewRecorder(), r)
		}
	}).AllocedBytesPerOp(); n > 8<<10 {
		t.Errorf("%d bytes are allocated for one byte", n)
	}
}

func TestLargeRequestsAreBoundedTogether(t *testing.T) {
	var l load
	for range maxLoad / maxBody {
		if err := l.take(maxBody); err != nil {
			t.Fatal(err)
		}
	}
	var refused *autoscaling.Error
	if err := l.take(maxBody); !errors.As(err, &refused) || refused.Reason != autoscaling.LimitExceeded || refused.RetryAfter == 0 {
		t.Errorf("%v", err)
	}
	if err := l.take(smallRequest); err != nil {
		t.Errorf("a small request: %v", err)
	}
	l.give(smallRequest)
	l.give(maxBody)
	if err := l.take(maxBody); err != nil {
		t.Error(err)
	}
	for range maxLoad / maxBody {
		l.give(maxBody)
	}
	if l.held.Load() != 0 {
		t.Errorf("%d bytes are left", l.held.Load())
	}
}

func TestWhatIsCarriedOutIsGivenBack(t *testing.T) {
	c := startCluster(t, 2)
	setUp(t, c.nodes[0])
	configuration := simConfiguration()
	configuration.Env = map[string]string{"LARGE": strings.Repeat("x", 2*smallRequest)}
	for i, n := range c.nodes {
		_, err := n.clients().CreateConfiguration(context.Background(), &pb.CreateConfigurationRequest{
			Parent: ns, ConfigurationId: "large" + string(rune('a'+i)), Configuration: configuration,
		})
		if err != nil {
			t.Error(err)
		}
	}
	for _, n := range c.nodes {
		if held := n.server.load.held.Load(); held != 0 {
			t.Errorf("%s holds %d bytes", n.id, held)
		}
	}
}
