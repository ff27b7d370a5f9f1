package server

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

const poisonVariable = "AS_TEST_POISON"

// servePoison is an instance that is well for a few requests and then answers with
// a status line that is not text.
func servePoison() {
	listener, err := net.Listen("tcp", net.JoinHostPort(os.Getenv("AS_ADDRESS"), os.Getenv("PORT")))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for served := 0; ; served++ {
		conn, err := listener.Accept()
		if err != nil {
			os.Exit(1)
		}
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			status := "200 OK"
			if served >= 3 {
				status = "503 \xff\xfe\x1b[31m"
			}
			fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status)
		}
		conn.Close()
	}
}

// watchBoth watches all events over gRPC and REST, and returns when both have shown
// one whose message has the text.
func watchBoth(ctx context.Context, t *testing.T, c Config, text string) {
	t.Helper()
	stream, err := pb.NewEventServiceClient(connect(t, c)).WatchEvents(ctx, &pb.WatchEventsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.HTTPAddr+"/v1/events:watch", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for {
		e, err := stream.Recv()
		if err != nil {
			t.Fatalf("watch over gRPC: %v", err)
		}
		if strings.Contains(e.GetMessage(), text) {
			break
		}
	}
	inJSON := strings.ReplaceAll(text, `\`, `\\`)
	for lines := bufio.NewScanner(response.Body); ; {
		if !lines.Scan() {
			t.Fatalf("watch over REST: %v", lines.Err())
		}
		if strings.Contains(lines.Text(), inJSON) {
			return
		}
	}
}

// TestAnInstanceWithAPoisonousStatusLineHarmsNoWatcher: the status line becomes the
// reason of an event, and whoever watches must be shown it, also after a restart.
func TestAnInstanceWithAPoisonousStatusLineHarmsNoWatcher(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	probe := &pb.HealthCheck{
		Types: []pb.HealthCheck_Type{pb.HealthCheck_PROVIDER, pb.HealthCheck_PROBE},
		Probe: &pb.HealthCheck_Probe{
			Check: &pb.HealthCheck_Probe_Http{Http: "/"}, Interval: durationpb.New(time.Second), UnhealthyThreshold: proto.Int32(1),
		},
	}
	for name, group := range map[string]*pb.Group{
		"probe": {HealthCheck: probe},
		"balancer": {
			HealthCheck: &pb.HealthCheck{Types: []pb.HealthCheck_Type{pb.HealthCheck_PROVIDER, pb.HealthCheck_BALANCER}},
			Balancers:   []*pb.Group_Balancer{{Provider: "edge", Pool: "web"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := dev(t)
			pool := c.Providers.Balancer["edge"].Builtin.Pools["web"]
			pool.HealthCheck = &HealthCheckSettings{HTTP: "/", Interval: time.Second, Timeout: time.Second, HealthyThreshold: 1, UnhealthyThreshold: 1}
			c.Providers.Balancer["edge"].Builtin.Pools["web"] = pool
			stop := run(t, c)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			conn := connect(t, c)
			const parent = "namespaces/default"
			if _, err := pb.NewConfigurationServiceClient(conn).CreateConfiguration(ctx, &pb.CreateConfigurationRequest{
				Parent: parent, ConfigurationId: "web", Configuration: &pb.Configuration{
					Provider: "local", Command: []string{self}, Env: map[string]string{poisonVariable: "1"}, Ports: []int32{18080},
				},
			}); err != nil {
				t.Fatal(err)
			}
			group.MaxSize, group.DesiredCapacity = proto.Int32(1), proto.Int32(1)
			group.Configuration = &pb.Group_ConfigurationReference{Name: "web"}
			if _, err := pb.NewGroupServiceClient(conn).CreateGroup(ctx, &pb.CreateGroupRequest{Parent: parent, GroupId: "web", Group: group}); err != nil {
				t.Fatal(err)
			}
			const shown = `503 \xff\xfe\x1b[31m`
			watchBoth(ctx, t, c, shown)
			if _, err := pb.NewInstanceServiceClient(conn).ListInstances(ctx, &pb.ListInstancesRequest{Parent: parent + "/groups/web"}); err != nil {
				t.Errorf("list: %v", err)
			}
			stop()
			run(t, c)
			watchBoth(ctx, t, c, shown)
		})
	}
}

// TestAReloadCommandWithPoisonousOutputHarmsNoList: its output becomes the reason of
// an instance's state.
func TestAReloadCommandWithPoisonousOutputHarmsNoList(t *testing.T) {
	c := dev(t)
	script := filepath.Join(t.TempDir(), "reload")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nprintf 'no\\nroom \\377\\376\\000'\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.Providers.AccessList["files"].File.ReloadCommand = script
	run(t, c)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn := connect(t, c)
	const parent = "namespaces/default"
	if _, err := pb.NewConfigurationServiceClient(conn).CreateConfiguration(ctx, &pb.CreateConfigurationRequest{
		Parent: parent, ConfigurationId: "web", Configuration: &pb.Configuration{Provider: "local", Command: []string{"sleep", "300"}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := pb.NewGroupServiceClient(conn).CreateGroup(ctx, &pb.CreateGroupRequest{Parent: parent, GroupId: "web", Group: &pb.Group{
		MaxSize: proto.Int32(1), DesiredCapacity: proto.Int32(1), Configuration: &pb.Group_ConfigurationReference{Name: "web"},
		AccessLists: []*pb.Group_AccessList{{Provider: "files", List: "db"}},
	}}); err != nil {
		t.Fatal(err)
	}
	for {
		list, err := pb.NewInstanceServiceClient(conn).ListInstances(ctx, &pb.ListInstancesRequest{Parent: parent + "/groups/web"})
		if err != nil {
			t.Fatal(err)
		}
		if len(list.GetInstances()) == 1 && strings.Contains(list.GetInstances()[0].GetStatusReason(), `no room \xff\xfe\x00`) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the output is not shown: %v", list.GetInstances())
		case <-time.After(10 * time.Millisecond):
		}
	}
}
