package rpc

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// The benchmarks measure the API alone: the writer is a function call, state is
// in memory. 64 clients share a connection over loopback, as in bench/.
const benchClients = 64

func benchCluster(b *testing.B, nodes int) (*testCluster, []string) {
	c := startCluster(b, nodes)
	var addresses []string
	for _, n := range c.nodes {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		go func() { _ = n.server.GRPC().Serve(listener) }()
		addresses = append(addresses, listener.Addr().String())
	}
	setUp(b, c.nodes[0])
	c.serveAll()
	return c, addresses
}

func benchConn(b *testing.B, address string) clients {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return (&testNode{conn: conn}).clients()
}

// inParallel runs b.N calls on benchClients goroutines.
func inParallel(b *testing.B, call func(n int64) error) {
	var done atomic.Int64
	b.SetParallelism(benchClients)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := call(done.Add(1)); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkFloorEmptyCall(b *testing.B) { // F2 of performance.md
	_, addresses := benchCluster(b, 1)
	api := benchConn(b, addresses[0])
	inParallel(b, func(int64) error {
		_, err := api.GetClusterStatus(context.Background(), &pb.GetClusterStatusRequest{})
		return err
	})
}

func BenchmarkPauseGroup(b *testing.B) { // a small mutation that is admitted always
	_, addresses := benchCluster(b, 1)
	api := benchConn(b, addresses[0])
	inParallel(b, func(int64) error {
		_, err := api.PauseGroup(context.Background(), &pb.PauseGroupRequest{Name: web})
		return err
	})
}

func BenchmarkPauseGroupForwarded(b *testing.B) {
	_, addresses := benchCluster(b, 2)
	api := benchConn(b, addresses[1])
	inParallel(b, func(int64) error {
		_, err := api.PauseGroup(context.Background(), &pb.PauseGroupRequest{Name: web})
		return err
	})
}

func BenchmarkGetGroup(b *testing.B) {
	_, addresses := benchCluster(b, 1)
	api := benchConn(b, addresses[0])
	inParallel(b, func(int64) error {
		_, err := api.GetGroup(context.Background(), &pb.GetGroupRequest{Name: web})
		return err
	})
}

func benchREST(b *testing.B, method, path, body string) {
	c, _ := benchCluster(b, 1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: c.nodes[0].server.HTTP()}
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(func() { _ = server.Close() })
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * benchClients}}
	url := "http://" + listener.Addr().String() + path
	inParallel(b, func(int64) error {
		r, err := http.NewRequest(method, url, bytes.NewReader([]byte(body)))
		if err != nil {
			return err
		}
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		if answer.StatusCode != 200 {
			b.Error(answer.Status)
		}
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return err
	})
}

func BenchmarkRESTPauseGroup(b *testing.B) { benchREST(b, "POST", "/v1/"+web+":pause", "{}") }
func BenchmarkRESTGetGroup(b *testing.B)   { benchREST(b, "GET", "/v1/"+web, "") }

// The parts of a call, without a network.

func BenchmarkValidate(b *testing.B) {
	c := startCluster(b, 1)
	req := &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(3)), RequestId: "a-request-id"}
	b.ReportAllocs()
	for b.Loop() {
		if err := c.nodes[0].server.validate(req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkActivityMessage(b *testing.B) {
	c := startCluster(b, 1)
	setUp(b, c.nodes[0])
	v := c.nodes[0].View()
	var a *autoscaling.Activity
	for a = range v.Activities(v.GroupByID("default", "web").UID) {
		break
	}
	b.ReportAllocs()
	for b.Loop() {
		activityMessage(v.Reader, a)
	}
}

func BenchmarkGroupMessage(b *testing.B) {
	c := startCluster(b, 1)
	setUp(b, c.nodes[0])
	v := c.nodes[0].View()
	g := v.GroupByID("default", "web")
	b.ReportAllocs()
	for b.Loop() {
		groupMessage(v.Reader, 0, g)
	}
}

func BenchmarkContentHash(b *testing.B) {
	req := &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(3)), RequestId: "a-request-id"}
	b.ReportAllocs()
	for b.Loop() {
		contentHash(req)
	}
}

// BenchmarkThousandWatchers is one event to 1,000 watchers on one connection.
func BenchmarkThousandWatchers(b *testing.B) {
	c, addresses := benchCluster(b, 1)
	api := benchConn(b, addresses[0])
	var seen atomic.Int64
	arrived := make(chan struct{}, 1)
	const watchers = 1000
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for range watchers {
		stream, err := api.WatchEvents(ctx, &pb.WatchEventsRequest{AfterIndex: -1})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := stream.Header(); err != nil {
			b.Fatal(err)
		}
		go func() {
			for {
				if _, err := stream.Recv(); err != nil {
					return
				}
				if seen.Add(1)%watchers == 0 {
					arrived <- struct{}{}
				}
			}
		}()
	}
	b.ResetTimer()
	for b.Loop() {
		c.do(func(tx *fsm.Tx) error {
			tx.Emit(autoscaling.Event{Type: autoscaling.EventGroupUpdated, Namespace: "default", GroupID: "web"})
			return nil
		})
		<-arrived
	}
}
