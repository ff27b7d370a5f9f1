package server

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/internal/providers/compute/process"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// The test binary is its own starter, as asserver is.
func TestMain(m *testing.M) {
	if process.IsStarter(os.Args) {
		process.RunStarter(os.Args)
	}
	if os.Getenv(poisonVariable) != "" {
		servePoison()
	}
	os.Exit(m.Run())
}

func freeAddress(t *testing.T) string {
	t.Helper()
	for port := 14000 + os.Getpid()%5000; port < 32000; port++ {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}

// dev is a --dev node on ports of its own.
func dev(t *testing.T) Config {
	t.Helper()
	c := DefaultConfig()
	c.Dev, c.DataDir = true, t.TempDir()
	for _, address := range []*string{&c.GRPCAddr, &c.HTTPAddr, &c.RaftAddr} {
		l, err := net.Listen("tcp", freeAddress(t))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // held until all are chosen
		*address = l.Addr().String()
	}
	if err := c.PrepareDev(); err != nil {
		t.Fatal(err)
	}
	pool := c.Providers.Balancer["edge"].Builtin.Pools["web"]
	pool.Listen = freeAddress(t)
	c.Providers.Balancer["edge"].Builtin.Pools["web"] = pool
	return c
}

// run runs a node until the test ends or stop is called.
func run(t *testing.T, c Config) (stop func()) {
	t.Helper()
	node, err := New(c, hclog.New(&hclog.LoggerOptions{Output: os.Stderr, Level: hclog.Error}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- node.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the node ended with: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func connect(t *testing.T, c Config) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(c.GRPCAddr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.WaitForReady(true)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestANodeLaunchesStopsAndGoesOnAfterARestart(t *testing.T) {
	c := dev(t)
	stop := run(t, c)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn := connect(t, c)
	const parent, name = "namespaces/default", "namespaces/default/groups/web"
	if _, err := pb.NewConfigurationServiceClient(conn).CreateConfiguration(ctx, &pb.CreateConfigurationRequest{
		Parent: parent, ConfigurationId: "web", Configuration: &pb.Configuration{Provider: "local", Command: []string{"sleep", "300"}},
	}); err != nil {
		t.Fatal(err)
	}
	groups := pb.NewGroupServiceClient(conn)
	if _, err := groups.CreateGroup(ctx, &pb.CreateGroupRequest{Parent: parent, GroupId: "web", Group: &pb.Group{
		MaxSize: proto.Int32(3), DesiredCapacity: proto.Int32(2), Configuration: &pb.Group_ConfigurationReference{Name: "web"},
		AccessLists: []*pb.Group_AccessList{{Provider: "files", List: "db"}},
	}}); err != nil {
		t.Fatal(err)
	}
	inService := func(want int32) {
		t.Helper()
		for {
			g, err := groups.GetGroup(ctx, &pb.GetGroupRequest{Name: name})
			if err == nil && g.GetCounts().GetInService() == want && g.GetCounts().GetTotal() == want {
				return
			}
			select {
			case <-ctx.Done():
				t.Fatalf("%v, %v: want %d in service", g.GetCounts(), err, want)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	list := func() int {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(c.DataDir, "access", "db.txt"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "\n")
	}
	inService(2)
	if n := list(); n != 2 {
		t.Errorf("%d addresses in the list, want 2", n)
	}

	// The instances outlive the node, and the next one knows them.
	stop()
	stop = run(t, c)
	inService(2)
	if _, err := groups.DeleteGroup(ctx, &pb.DeleteGroupRequest{Name: name, Force: true}); err != nil {
		t.Fatal(err)
	}
	for {
		_, err := groups.GetGroup(ctx, &pb.GetGroupRequest{Name: name})
		if err != nil {
			break
		}
		select {
		case <-ctx.Done():
			t.Fatal("the group is still there")
		case <-time.After(10 * time.Millisecond):
		}
	}
	if n := list(); n != 0 {
		t.Errorf("%d addresses left in the list", n)
	}
	stop()
}

func TestAPortInUseIsNamed(t *testing.T) {
	c := dev(t)
	l, err := net.Listen("tcp", c.HTTPAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	node, err := New(c, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "http-addr") {
		t.Errorf("got %v, want it to name http-addr", err)
	}
}

func TestDigestsOfProvidersTellNodesApartByWhatMatters(t *testing.T) {
	with := func(directory, listen string, delay time.Duration) *Providers {
		return &Providers{
			Compute:  map[string]Compute{"sim": {Sim: &SimSettings{Directory: directory, LaunchDelay: delay}}},
			Balancer: map[string]Balancer{"edge": {Builtin: &BuiltinSettings{Pools: map[string]PoolSettings{"web": {Listen: listen, Mode: "http"}}}}},
		}
	}
	first := with("a", "127.0.0.1:1", 0).Digest()
	if with("b", "127.0.0.1:2", 0).Digest() != first {
		t.Error("directories and listen addresses are each node's own")
	}
	if with("a", "127.0.0.1:1", time.Second).Digest() == first {
		t.Error("other settings are the same everywhere")
	}
}
