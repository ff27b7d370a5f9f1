package peer

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// front is a Mux that runs on loopback, with its log.
type front struct {
	*Mux
	address string
	log     *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func runMux(t *testing.T, channel *Channel) front {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := new(lockedBuffer)
	f := front{Mux: NewMux(l, channel, hclog.New(&hclog.LoggerOptions{Output: log})), address: l.Addr().String(), log: log}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for _, side := range []net.Listener{f.Raft(), f.Peer()} {
			if _, err := side.Accept(); err == nil {
				t.Error("accepted after the end")
			}
		}
	})
	return f
}

func (f front) connect(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c
}

func (f front) dial(t *testing.T, from *Channel, kind Kind) (*Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return from.Dial(ctx, f.connect(t), kind, "n1")
}

func TestTheHandshakeTellsRaftFromPeer(t *testing.T) {
	f := runMux(t, node(t, "n1", secrets(t, testSecret)))
	f.connect(t) // it says nothing, and must hold nobody up
	other := node(t, "n2", secrets(t, testSecret))
	for kind, side := range map[Kind]net.Listener{KindRaft: f.Raft(), KindPeer: f.Peer()} {
		conn, err := f.dial(t, other, kind)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "hello")
		accepted, err := side.Accept()
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5)
		if _, err := io.ReadFull(accepted, got); err != nil || string(got) != "hello" {
			t.Errorf("read %q, %v", got, err)
		}
		accepted.Close()
		if _, err := conn.Read(got); err == nil {
			t.Error("the connection is still there")
		}
	}
}

func TestPlainTextIsRefused(t *testing.T) {
	f := runMux(t, node(t, "n1", secrets(t, testSecret)))
	for _, first := range []string{"Rraft, as it was spoken before", "Ppeer, as it was spoken before", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff" + strings.Repeat("x", 1<<16)} {
		c := f.connect(t)
		go io.WriteString(c, first)
		answer, err := io.ReadAll(c)
		if isTimeout(err) || len(answer) > 7 { // a TLS alert at most
			t.Errorf("%.4q: answered %q, %v", first, answer, err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(f.log.String(), "run the same version of asserver on all nodes"); {
		if time.Now().After(deadline) {
			t.Fatalf("the log says %q", f.log)
		}
		time.Sleep(time.Millisecond)
	}
	if n := strings.Count(f.log.String(), "refused a connection"); n != 1 {
		t.Errorf("%d lines in the log for two refusals within a moment", n)
	}
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

// heap returns the live heap in MiB.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// What the review did to the port: connections that say little and promise much,
// or say much. Nodes connect meanwhile, from the same address.
func TestFloodsLeaveRoomForNodesAndMemory(t *testing.T) {
	megabytes := make([]byte, 7<<20)
	promise := binary.BigEndian.AppendUint32([]byte{'P'}, 8<<20-1)
	for name, tt := range map[string]struct {
		conns int
		send  []byte
	}{
		"4,000 connections of 4 bytes":     {4000, promise},
		"300 connections of 7 MiB":         {300, append(promise, megabytes...)},
		"2,000 connections begin with TLS": {2000, []byte{22, 3, 1, 2, 0, 1, 0, 1, 252}},
	} {
		t.Run(name, func(t *testing.T) {
			f := runMux(t, node(t, "n1", secrets(t, testSecret)))
			other := node(t, "n2", secrets(t, testSecret))
			before := heap()
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for range tt.conns / 8 {
						c := f.connect(t)
						c.SetDeadline(time.Now().Add(time.Second))
						c.Write(tt.send)
					}
				})
			}
			for range 10 {
				// On a busy machine 256 may come before it has said a word: a node
				// dials again.
				conn, err := f.dial(t, other, KindPeer)
				for tries := 1; err != nil && tries < 5; tries++ {
					conn, err = f.dial(t, other, KindPeer)
				}
				if err != nil {
					t.Fatal(err)
				}
				accepted, err := f.Peer().Accept()
				if err != nil {
					t.Fatal(err)
				}
				conn.Close()
				accepted.Close()
			}
			wg.Wait()
			if grown := heap() - before; grown > 50 {
				t.Errorf("the heap has grown by %.0f MiB", grown)
			}
			f.doors.mu.Lock()
			defer f.doors.mu.Unlock()
			if n := len(f.doors.strangers); n > f.doors.limits.perSource {
				t.Errorf("%d connections that have not proved themselves", n)
			}
		})
	}
}

func TestOversizedAndBrokenMessagesAreRefused(t *testing.T) {
	frame := func(k kind, size uint32, body string) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{byte(k)}, size), body...)
	}
	for name, b := range map[string][]byte{
		"too large a ping":   frame(pingKind, maxMessage[pingKind]+1, ""),
		"too large a hello":  frame(helloKind, maxMessage[helloKind]+1, ""),
		"unknown kind":       frame(99, 1, "\xa0"),
		"no kind":            frame(unknownKind, 1, "\xa0"),
		"cut":                frame(helloKind, 9, "\x01"),
		"no cbor":            frame(helloKind, 2, "\xff\xff"),
		"a hello in a ping":  frame(pingKind, 5, "\xa1\x01\xa1\x02\x60"),
		"nothing in a hello": frame(helloKind, 1, "\xa0"),
	} {
		if err := readMessage(bytes.NewReader(b), new(request)); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	var buf bytes.Buffer
	if err := writeMessage(&buf, &request{Ping: &ping{Reports: []Report{{Pool: string(make([]byte, maxMessage[pingKind]+1))}}}}); err == nil {
		t.Error("an oversized message was written")
	}
	if err := writeMessage(&buf, &request{}); err == nil || buf.Len() > 0 {
		t.Errorf("a message without a kind was written: %v", err)
	}
}

func TestALengthTakesNoMemory(t *testing.T) {
	head := binary.BigEndian.AppendUint32([]byte{byte(pingKind)}, 8<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 100
	for range times {
		if err := readMessage(bytes.NewReader(append(head, "some"...)), new(request)); err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / times; each > 64<<10 {
		t.Errorf("%d bytes for 4 that arrived", each)
	}
}

func TestDoorsLetTheFurthestFromProofLeave(t *testing.T) {
	d := newDoors(limits{strangers: 3, perSource: 2, perNode: 2, nodes: 2, known: 1})
	open := map[string]*stranger{}
	enter := func(name, source string) {
		near, _ := net.Pipe()
		open[name] = d.admit(from{Conn: near, source: source, closed: func() { delete(open, name) }})
	}
	want := func(names ...string) {
		t.Helper()
		for _, name := range names {
			if open[name] == nil {
				t.Errorf("%s is closed", name)
			}
		}
		if len(open) != len(names) {
			t.Errorf("open are %d, want %v", len(open), names)
		}
	}
	enter("a1", "a:1")
	enter("a2", "a:2")
	open["a1"].advance(greeted)
	enter("a3", "a:3") // too many of one source: a2 is silent
	want("a1", "a3")
	enter("b1", "b:1")
	enter("c1", "c:1") // too many of all: a3 is the oldest that is silent
	want("a1", "b1", "c1")
	// A source that a node came from has room beside the others.
	if !d.welcome(open["b1"], &Conn{raw: open["b1"], Other: Identity{Node: "n1"}}) {
		t.Error("no room for a node")
	}
	enter("d1", "d:1")
	want("a1", "b1", "c1", "d1")
	enter("b2", "b:2")
	enter("b3", "b:3")
	want("a1", "b1", "b2", "b3", "c1", "d1")
	enter("b4", "b:4") // too many of one source
	want("a1", "b1", "b3", "b4", "c1", "d1")
}

// from is a connection from a source.
type from struct {
	net.Conn
	source string
	closed func()
}

func (f from) RemoteAddr() net.Addr { return addressOf(f.source) }
func (f from) Close() error         { f.closed(); return f.Conn.Close() }

type addressOf string

func (a addressOf) Network() string { return "test" }
func (a addressOf) String() string  { return string(a) }

func TestANodeHasABoundedNumberOfConnections(t *testing.T) {
	d := newDoors(limits{strangers: 9, perSource: 9, perNode: 2, nodes: 2, known: 9})
	closed := map[int]bool{}
	come := func(i int, id string) (*Conn, bool) {
		near, _ := net.Pipe()
		s := d.admit(from{Conn: near, source: "a:1", closed: func() { closed[i] = true }})
		c := &Conn{raw: s, Other: Identity{Node: id}}
		return c, d.welcome(s, c)
	}
	var last *Conn
	for i := range 3 {
		c, ok := come(i, "n1")
		if !ok {
			t.Errorf("connection %d found no room", i)
		}
		last = c
	}
	if fmt.Sprint(closed) != "map[0:true]" {
		t.Errorf("closed are %v, want the oldest", closed)
	}
	if _, ok := come(3, "n2"); !ok {
		t.Error("no room for a second node")
	}
	if _, ok := come(4, "n3"); ok {
		t.Error("room for a third node")
	}
	last.Close()
	last.Close() // once more changes nothing
	if n := len(d.guests["n1"].conns); n != 1 {
		t.Errorf("n1 has %d connections", n)
	}
}

func TestSourcesAreHosts(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7:1":              "192.0.2.7",
		"[::ffff:192.0.2.7]:1":     "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:1": "2001:db8:1:2::/64",
		"[2001:db8:1:2:ffff::1]:2": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:1":         "fe80::/64",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := sourceOf(tcp); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
