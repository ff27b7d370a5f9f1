package client

import (
	"context"
	"errors"
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
	"google.golang.org/grpc/test/bufconn"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// nodes are servers by address, which answer as their scripts say; what has no
// server refuses connections.
type nodes struct {
	mu       sync.Mutex
	scripts  map[string][]error // what each call answers; nil and the end: success
	calls    []string           // address and request id of each call
	metadata metadata.MD
	servers  map[string]*bufconn.Listener
}

func startNodes(t *testing.T, scripts map[string][]error) *nodes {
	n := &nodes{scripts: scripts, servers: map[string]*bufconn.Listener{}}
	for address := range scripts {
		listener := bufconn.Listen(1 << 16)
		n.servers[address] = listener
		server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error { return n.handle(address, stream) }))
		done := make(chan struct{})
		go func() { defer close(done); _ = server.Serve(listener) }()
		t.Cleanup(func() { server.Stop(); <-done })
	}
	return n
}

// errHang makes a node take a call and say nothing.
var errHang = errors.New("hang")

func (n *nodes) handle(address string, stream grpc.ServerStream) error {
	var request pb.PauseGroupRequest
	if method, _ := grpc.MethodFromServerStream(stream); strings.Contains(method, "PutMetrics") {
		if err := stream.RecvMsg(&pb.PutMetricsRequest{}); err != nil {
			return err
		}
	} else if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	n.mu.Lock()
	n.calls = append(n.calls, address+" "+request.RequestId)
	n.metadata, _ = metadata.FromIncomingContext(stream.Context())
	var err error
	if script := n.scripts[address]; len(script) > 0 {
		err, n.scripts[address] = script[0], script[1:]
	}
	n.mu.Unlock()
	if errors.Is(err, errHang) {
		<-stream.Context().Done()
		return stream.Context().Err()
	}
	if err != nil {
		return err
	}
	return stream.SendMsg(&pb.Group{Name: address})
}

func (n *nodes) dial(ctx context.Context, address string) (net.Conn, error) {
	if l := n.servers[address]; l != nil {
		return l.DialContext(ctx)
	}
	return nil, errors.New("connection refused")
}

func unavailable(reason string) error {
	s, err := status.New(codes.Unavailable, reason).WithDetails(&errdetails.ErrorInfo{Reason: reason, Domain: "autoscaling"})
	if err != nil {
		panic(err)
	}
	return s.Err()
}

const one, two, three = "127.0.0.1:7401", "127.0.0.1:7402", "127.0.0.1:7403"

func (n *nodes) client(t *testing.T, o Options) *Cluster {
	o.Dial = n.dial
	if o.Addresses == nil {
		o.Addresses = []string{one, two, three}
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func pauseGroup(ctx context.Context, c *Cluster) (*pb.Group, error) {
	return pb.NewGroupServiceClient(c).PauseGroup(ctx, &pb.PauseGroupRequest{Name: "namespaces/default/groups/web"})
}

// at answers the addresses that were called, in order.
func (n *nodes) at() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var found []string
	for _, call := range n.calls {
		address, _, _ := strings.Cut(call, " ")
		found = append(found, address)
	}
	return found
}

func TestACallGoesOnAtTheNextNodeUnderTheSameRequestID(t *testing.T) {
	n := startNodes(t, map[string][]error{two: {unavailable("OUTCOME_UNKNOWN")}, three: {unavailable("NO_LEADER")}})
	c := n.client(t, Options{})
	g, err := pauseGroup(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{two, three, two}; g.Name != two || !slices.Equal(n.at(), want) {
		t.Errorf("answered by %s after calls at %v, want %v", g.Name, n.at(), want)
	}
	_, id, _ := strings.Cut(n.calls[0], " ")
	for _, call := range n.calls {
		if !strings.HasSuffix(call, " "+id) || len(id) != 36 {
			t.Errorf("request ids changed between attempts: %v", n.calls)
		}
	}
	if _, err := pauseGroup(t.Context(), c); err != nil || n.at()[3] != two {
		t.Errorf("the next call went to %v (%v), not to the node that answered", n.at()[3:], err)
	}
	if strings.HasSuffix(n.calls[3], " "+id) {
		t.Error("two changes had the same request id")
	}
}

func TestOtherErrorsAreAnswers(t *testing.T) {
	refused := status.Error(codes.FailedPrecondition, "no")
	n := startNodes(t, map[string][]error{one: {refused}, two: nil})
	if _, err := pauseGroup(t.Context(), n.client(t, Options{})); status.Code(err) != codes.FailedPrecondition || len(n.at()) != 1 {
		t.Errorf("%v after calls at %v", err, n.at())
	}
}

func TestWhatIsNotRememberedIsNotRepeatedWhenItsOutcomeIsUnknown(t *testing.T) {
	put := func(c *Cluster) error {
		_, err := pb.NewMetricServiceClient(c).PutMetrics(t.Context(), &pb.PutMetricsRequest{})
		return err
	}
	n := startNodes(t, map[string][]error{one: {unavailable("OUTCOME_UNKNOWN")}, two: nil})
	if err := put(n.client(t, Options{})); Reason(err) != "OUTCOME_UNKNOWN" || len(n.at()) != 1 {
		t.Errorf("%v after calls at %v", err, n.at())
	}
	n = startNodes(t, map[string][]error{one: {unavailable("NO_LEADER")}, two: nil})
	if err := put(n.client(t, Options{})); status.Code(err) == codes.Unavailable || len(n.at()) != 2 {
		t.Errorf("%v after calls at %v", err, n.at())
	}
}

func TestNobodyAnsweringIsToldSoonAndByName(t *testing.T) {
	n := startNodes(t, nil)
	var notices []string
	start := time.Now()
	_, err := pauseGroup(t.Context(), n.client(t, Options{Addresses: []string{one, two}, Notice: func(s string) { notices = append(notices, s) }}))
	if want := "no server answers at " + one + ", " + two + ": connection refused"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if status.Code(err) != codes.Unavailable || time.Since(start) > callPatience/2 {
		t.Errorf("%s after %s", status.Code(err), time.Since(start))
	}
	if len(notices) != 1 || !strings.HasSuffix(notices[0], "; trying again") {
		t.Errorf("noticed %q", notices)
	}
}

func TestTheLastErrorSaysMoreThanThatTimeIsOver(t *testing.T) {
	n := startNodes(t, map[string][]error{one: slices.Repeat([]error{unavailable("NO_LEADER")}, 100)})
	_, err := pauseGroup(t.Context(), n.client(t, Options{Addresses: []string{one}, Timeout: 400 * time.Millisecond}))
	if Reason(err) != "NO_LEADER" || len(n.at()) < 2 {
		t.Errorf("%v after %d calls", err, len(n.at()))
	}
}

func TestANodeThatSaysNothingDoesNotUseUpTheTime(t *testing.T) {
	n := startNodes(t, map[string][]error{one: {errHang}, two: nil})
	g, err := pauseGroup(t.Context(), n.client(t, Options{Timeout: 2 * time.Second}))
	if err != nil || g.Name != two {
		t.Errorf("answered by %v, %v", g, err)
	}
}

func TestRequestIDsThatAreGivenAndDryRuns(t *testing.T) {
	n := startNodes(t, map[string][]error{one: nil})
	c := n.client(t, Options{RequestID: "mine", Token: "secret", DryRun: true})
	for range 2 {
		if _, err := pauseGroup(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{one + " mine", one + " mine.2"}; !slices.Equal(n.calls, want) {
		t.Errorf("calls %v, want %v", n.calls, want)
	}
	if got := n.metadata.Get("authorization"); !slices.Equal(got, []string{"Bearer secret"}) {
		t.Errorf("authorization %v", got)
	}
	request := &pb.PauseGroupRequest{}
	c.stamp("", request)
	if !request.ValidateOnly {
		t.Error("a dry run was none")
	}
}

func TestPortsHaveADefault(t *testing.T) {
	for address, want := range map[string]string{"host": "host:7400", "host:1": "host:1", "::1": "[::1]:7400", "[::1]:2": "[::1]:2"} {
		if got := withPort(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
