package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

const (
	namespace = "namespaces/default"
	// patience is for anything that should take milliseconds; machines that run
	// tests are slow.
	patience = 60 * time.Second
)

// world is a running cluster with what a test needs to act on it and to look
// at it, from outside.
type world struct {
	broken *nodes.Node // whose disk the test breaks: it has to say so in its log
	*testing.T
	*nodes.Cluster
	feed  *feed
	conns map[*nodes.Node]*grpc.ClientConn
	good  atomic.Int32 // the node that answered last is asked first
}

// processProviders has an address pool of the test's own, so that clusters of
// two tests can run side by side. The balancer checks often: tests wait for it.
func processProviders() string {
	return fmt.Sprintf(`
providers:
  compute:
    local: {type: process, directory: {{.Shared}}/instances, address-pool: 127.%d.%d.0/24}
  balancer:
    edge:
      type: builtin
      pools:
        web:
          listen: "{{.Balancer}}"
          mode: http
          health-check: {http: /healthz, interval: 200ms, timeout: 2s, healthy-threshold: 1, unhealthy-threshold: 3}
  access-list:
    files: {type: file, directory: {{.Shared}}/access}
`, 80+rand.IntN(160), rand.IntN(256))
}

// simProviders have a cloud whose machines take a while to start.
func simProviders(delay time.Duration) string {
	return fmt.Sprintf(`
providers:
  compute:
    sim: {type: sim, directory: {{.Shared}}/sim, launch-delay: %s}
`, delay)
}

// start runs a cluster and waits until it is ready.
func start(t *testing.T, o nodes.Options) *world {
	t.Helper()
	o.Binary, o.Dir = asserver(), t.TempDir()
	c, err := nodes.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, Cluster: c, conns: map[*nodes.Node]*grpc.ClientConn{}}
	t.Cleanup(w.cleanUp)
	for _, n := range c.Nodes {
		if w.conns[n], err = grpc.NewClient(n.GRPC,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			// A node that was away is found again at once.
			grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: time.Second, Backoff: backoff.Config{
				BaseDelay: 10 * time.Millisecond, Multiplier: 1.5, MaxDelay: 100 * time.Millisecond,
			}}),
		); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.waitReady()
	w.feed = follow(w)
	return w
}

func (w *world) waitReady() {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.Cluster.WaitReady(ctx); err != nil {
		w.Fatal(err)
	}
}

func (w *world) leader() *nodes.Node {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	leader, err := w.Cluster.Leader(ctx)
	if err != nil {
		w.Fatal(err)
	}
	return leader
}

// restart starts the nodes that do not run and waits until they are ready.
func (w *world) restart() {
	w.Helper()
	if err := w.Cluster.Start(); err != nil {
		w.Fatal(err)
	}
	w.waitReady()
}

// cleanUp ends everything that the test started, each process by its id, and
// keeps the logs of a failed test.
func (w *world) cleanUp() {
	if w.feed != nil {
		w.feed.stop()
	}
	for _, conn := range w.conns {
		conn.Close()
	}
	for _, n := range w.Nodes {
		_ = n.Signal(os.Kill) // a frozen one too
		n.Kill()
	}
	w.endInstances()
	for _, n := range w.Nodes {
		w.checkLog(n)
	}
	if w.Failed() {
		w.keepLogs()
	}
}

// checkLog finds what no run may have, whatever the test is about.
func (w *world) checkLog(n *nodes.Node) {
	text, err := os.ReadFile(n.LogFile())
	if err != nil {
		return
	}
	for _, bad := range []string{"DATA RACE", "panic:", "fatal error:", "[ERROR]"} {
		if bad == "[ERROR]" && n == w.broken {
			continue
		}
		if _, after, found := strings.Cut(string(text), bad); found {
			w.Errorf("%s's log has %q: %.1500s", n.ID, bad, after)
		}
	}
}

func (w *world) keepLogs() {
	dir, err := os.MkdirTemp("", "as-failed-")
	if err != nil {
		return
	}
	for _, n := range w.Nodes {
		if text, err := os.ReadFile(n.LogFile()); err == nil {
			_ = os.WriteFile(filepath.Join(dir, n.ID+".log"), text, 0o600)
		}
	}
	if w.feed != nil {
		_ = os.WriteFile(filepath.Join(dir, "events"), []byte(w.feed.String()), 0o600)
	}
	w.Logf("logs and events are kept in %s", dir)
}

// api is a connection to one node.
type api struct {
	configurations pb.ConfigurationServiceClient
	groups         pb.GroupServiceClient
	rules          pb.RuleServiceClient
	alarms         pb.AlarmTaskServiceClient
	schedules      pb.ScheduledTaskServiceClient
	instances      pb.InstanceServiceClient
	activities     pb.ActivityServiceClient
	metrics        pb.MetricServiceClient
	cluster        pb.ClusterServiceClient
	hooks          pb.LifecycleHookServiceClient
}

func (w *world) at(n *nodes.Node) api {
	c := w.conns[n]
	return api{
		pb.NewConfigurationServiceClient(c), pb.NewGroupServiceClient(c), pb.NewRuleServiceClient(c), pb.NewAlarmTaskServiceClient(c),
		pb.NewScheduledTaskServiceClient(c), pb.NewInstanceServiceClient(c), pb.NewActivityServiceClient(c), pb.NewMetricServiceClient(c),
		pb.NewClusterServiceClient(c), pb.NewLifecycleHookServiceClient(c),
	}
}

// attempt makes the call at one running node after another until it is
// answered with anything but UNAVAILABLE. A call that writes should carry a
// request id: it may be made more than once.
func (w *world) attempt(call func(ctx context.Context, a api) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	last := errors.New("no node runs")
	for {
		first := int(w.good.Load())
		for i := range w.Nodes {
			n := w.Nodes[(first+i)%len(w.Nodes)]
			if !n.Running() {
				continue
			}
			try, cancel := context.WithTimeout(ctx, 10*time.Second)
			last = call(try, w.at(n))
			cancel()
			if c := status.Code(last); c != codes.Unavailable && c != codes.DeadlineExceeded {
				w.good.Store(int32((first + i) % len(w.Nodes)))
				return last
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no node answers: %w", last)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// must is attempt for what has to succeed.
func (w *world) must(what string, call func(ctx context.Context, a api) error) {
	w.Helper()
	if err := w.attempt(call); err != nil {
		w.Fatalf("%s: %v", what, err)
	}
}

// eventually polls until the check has nothing to say.
func (w *world) eventually(what string, check func() error) {
	w.Helper()
	w.within(patience, what, check)
}

func (w *world) within(limit time.Duration, what string, check func() error) {
	w.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			w.Fatalf("%s, not within %s: %v", what, limit, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
