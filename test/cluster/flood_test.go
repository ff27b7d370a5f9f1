package cluster_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/asctl/as/test/cluster/nodes"
)

// floodMemory is what a node may take while it is flooded.
const floodMemory = 300 << 20

// Floods that cost their sender little: none takes more memory than a node may
// have, and callers from elsewhere are served meanwhile. With SOAK=1 they are as
// large as they were found, without it a part of that.
func TestFloodsOfUnfinishedRequestsAreBounded(t *testing.T) {
	c, err := nodes.New(nodes.Options{Binary: asserver(), Dir: t.TempDir(), Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	n := c.Nodes[0]
	t.Cleanup(n.Kill)
	honest := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP("127.0.0.9")}}).DialContext,
	}}
	get := func() error {
		answer, err := honest.Get("http://" + n.HTTP + "/v1/namespaces/default/groups")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", answer.StatusCode)
		}
		return nil
	}
	for end := time.Now().Add(30 * time.Second); get() != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the node does not serve")
		}
	}
	share := 8
	if os.Getenv("SOAK") != "" {
		share = 1
	}
	for _, flood := range []struct {
		name  string
		conns int
		send  func(net.Conn)
		to    string
	}{
		{"bodies without their end", 400 / share, sendBody, n.HTTP},
		{"announced bodies", 4000 / share, announceBody, n.HTTP},
		{"calls of headers only", max(10/share, 2), sendHeaders, n.GRPC},
		{"silent connections", 1400 / share, func(net.Conn) {}, n.GRPC},
	} {
		t.Run(flood.name, func(t *testing.T) {
			var done atomic.Int64
			for range flood.conns {
				conn, err := net.Dial("tcp", flood.to)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				go func() { flood.send(conn); done.Add(1) }()
			}
			var slowest time.Duration
			var most int64
			for asked := 0; done.Load() < int64(flood.conns) || asked < 20; asked++ {
				begin := time.Now()
				if err := get(); err != nil {
					t.Errorf("an honest caller: %v", err)
				}
				slowest = max(slowest, time.Since(begin))
				most = max(most, memory(t, n.Pid()))
				if asked > 500 {
					t.Fatal("the flood does not end")
				}
				time.Sleep(10 * time.Millisecond)
			}
			limit := int64(floodMemory)
			if raceEnabled { // the detector keeps a shadow of all memory
				limit *= 4
			}
			if most > limit {
				t.Errorf("the node takes %d MiB, want at most %d", most>>20, limit>>20)
			}
			t.Logf("memory at most %d MiB, slowest honest call %s", most>>20, slowest)
		})
	}
}

// memory is the process's resident memory in bytes.
func memory(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatalf("the node is gone: %v", err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// The floods end by themselves when the node closes their connection.
func sendBody(conn net.Conn) {
	const size = 4 << 20
	_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if _, err := fmt.Fprintf(conn, "POST /v1/namespaces/default/groups HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", size); err != nil {
		return
	}
	_, _ = io.CopyN(conn, zeros{}, size-100)
}

func announceBody(conn net.Conn) {
	_, _ = io.WriteString(conn, "POST /v1/namespaces/default/groups HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4194304\r\n\r\n{")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// sendHeaders opens 10,000 calls and sends a message on none.
func sendHeaders(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return
	}
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	framer := http2.NewFramer(conn, nil)
	if framer.WriteSettings() != nil {
		return
	}
	var block strings.Builder
	for i := range 10_000 {
		block.Reset()
		encoder := hpack.NewEncoder(&block)
		for _, f := range [][2]string{
			{":method", "POST"}, {":scheme", "http"}, {":path", "/autoscaling.v1.GroupService/GetGroup"}, {":authority", "x"},
			{"content-type", "application/grpc"}, {"te", "trailers"},
		} {
			_ = encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}) // into memory
		}
		if framer.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: []byte(block.String()), EndHeaders: true}) != nil {
			return
		}
	}
}
