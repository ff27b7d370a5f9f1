package builtin

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
)

// echoTarget answers each connection with what it said, after it said all.
type echoTarget struct {
	providers.Target
	listener net.Listener
	mu       sync.Mutex
	conns    []net.Conn
	running  sync.WaitGroup
}

func startEcho(t *testing.T) *echoTarget {
	t.Helper()
	host := freshHost()
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", host, targetPort))
	if err != nil {
		t.Fatal(err)
	}
	e := &echoTarget{listener: l, Target: providers.Target{Instance: "i-" + host, Address: host, Port: targetPort}}
	e.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			e.mu.Lock()
			e.conns = append(e.conns, conn)
			e.mu.Unlock()
			e.running.Go(func() {
				defer conn.Close()
				said, _ := io.ReadAll(conn) // what was cut off is not echoed
				_, _ = conn.Write(said)
			})
		}
	})
	t.Cleanup(e.stop)
	return e
}

func (e *echoTarget) stop() {
	_ = e.listener.Close()
	e.mu.Lock()
	for _, conn := range e.conns {
		_ = conn.Close()
	}
	e.mu.Unlock()
	e.running.Wait()
}

// sayAll sends text, ends its direction and reads the answer to the end.
func sayAll(addr, text string) (string, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		return "", err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

func TestNoConnectionFailsWhileTCPTargetsComeDrainAndStop(t *testing.T) {
	s := serve(t, PoolConfig{Mode: ModeTCP})
	live := []*echoTarget{startEcho(t), startEcho(t)}
	index := uint64(0)
	set := func(draining ...*echoTarget) {
		var targets []providers.Target
		for _, e := range live {
			targets = append(targets, e.Target)
		}
		for _, e := range draining {
			d := e.Target
			d.Drain = true
			targets = append(targets, d)
		}
		index++
		s.SetTargets(web, index, targets)
	}
	set()
	var clients sync.WaitGroup
	var stopping atomic.Bool
	var asked atomic.Int64
	for i := range 4 {
		clients.Go(func() {
			for n := 0; !stopping.Load() && !t.Failed(); n++ {
				text := fmt.Sprintf("%d-%d", i, n)
				if got, err := sayAll(s.Addr(web), text); err != nil || got != text {
					t.Errorf("said %q, got %q, %v", text, got, err)
				}
				asked.Add(1)
			}
		})
	}
	for end := time.Now().Add(runFor); time.Now().Before(end) && !t.Failed(); {
		leaving := live[0]
		live = append(live[1:], startEcho(t))
		set(leaving)
		until(t, s, "it is drained", func() bool { return open(s, leaving.Instance) == 0 })
		leaving.stop()
		set()
		<-time.After(5 * time.Millisecond)
	}
	stopping.Store(true)
	clients.Wait()
	t.Logf("%d connections over %d target sets", asked.Load(), index)
}

func TestTCPConnectionIsCountedUntilItEnds(t *testing.T) {
	s, stop := serveUntil(t, Config{StopGrace: 200 * time.Millisecond, Pools: map[string]PoolConfig{web: {Mode: ModeTCP}}})
	defer stop()
	e := startEcho(t)
	down := providers.Target{Instance: "i-down", Address: freshHost(), Port: targetPort}
	s.SetTargets(web, 1, []providers.Target{down, e.Target})
	conn, err := net.Dial("tcp", s.Addr(web))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, "hello")
	soon(t, "it is open", func() bool { return open(s, e.Instance) == 1 })
	draining := e.Target
	draining.Drain = true
	s.SetTargets(web, 2, []providers.Target{draining})
	if _, err := sayAll(s.Addr(web), "x"); err == nil {
		if answer, _ := sayAll(s.Addr(web), "x"); answer != "" {
			t.Errorf("a draining target answered %q", answer)
		}
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); line != "hello\n" {
		t.Errorf("%q, %v", line, err)
	}
	until(t, s, "it has ended", func() bool { return open(s, e.Instance) == 0 })

	s.SetTargets(web, 3, []providers.Target{e.Target})
	stuck, err := net.Dial("tcp", s.Addr(web))
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	soon(t, "the stuck one is open", func() bool { return open(s, e.Instance) == 1 })
	stop() // bounded by the grace
	if _, err := stuck.Read(make([]byte, 1)); err == nil {
		t.Error("the connection outlived the server")
	}
}
