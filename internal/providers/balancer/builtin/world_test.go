package builtin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
)

// nextHost gives each target of a test run an address of its own.
var nextHost atomic.Uint32

func freshHost() string {
	n := nextHost.Add(1)
	return fmt.Sprintf("127.78.%d.%d", n/250, 1+n%250)
}

const targetPort = 8080

// backend is an HTTP server behind a pool.
type backend struct {
	instance string
	host     string
	server   *http.Server
	done     chan struct{}
}

func startBackend(t *testing.T, instance string, handler http.Handler) *backend {
	t.Helper()
	b := &backend{instance: instance, host: freshHost(), done: make(chan struct{})}
	l, err := net.Listen("tcp", b.hostPort())
	if err != nil {
		t.Fatal(err)
	}
	b.server = &http.Server{Handler: handler}
	go func() {
		defer close(b.done)
		_ = b.server.Serve(l) // until it is closed
	}()
	t.Cleanup(b.stop)
	return b
}

// stop cuts everything off, as the end of a machine does.
func (b *backend) stop() {
	_ = b.server.Close()
	<-b.done
}

func (b *backend) hostPort() string { return fmt.Sprintf("%s:%d", b.host, targetPort) }

func (b *backend) target() providers.Target {
	return providers.Target{Instance: b.instance, Address: b.host, Port: targetPort, Weight: 1}
}

func (b *backend) draining() providers.Target {
	t := b.target()
	t.Drain = true
	return t
}

// named answers what it was asked with its own name.
func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Backend", name)
		fmt.Fprintf(w, "%s %s", r.Method, body)
	})
}

const web = "web"

// serve runs a server with the pool web until the test ends.
func serve(t *testing.T, config PoolConfig) *Server {
	t.Helper()
	s, stop := serveUntil(t, Config{Pools: map[string]PoolConfig{web: config}})
	t.Cleanup(stop)
	return s
}

// serveUntil answers once the pool listens; stop waits for Run.
func serveUntil(t *testing.T, config Config) (s *Server, stop func()) {
	t.Helper()
	pool := config.Pools[web]
	if pool.Listen == "" {
		pool.Listen = freshHost() + ":7500"
	}
	config.Pools = map[string]PoolConfig{web: pool}
	s, err := NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	until(t, s, "the pool listens", func() bool { return s.Addr(web) != "" })
	return s, stop
}

// until waits for what the server says has changed.
func until(t *testing.T, s *Server, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		changed := s.Changed()
		if holds() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// soon waits for what no bell is rung for.
func soon(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); <-time.After(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func open(s *Server, instance string) int32 {
	for _, r := range s.Report()[0].Targets {
		if r.Instance == instance {
			return r.Open
		}
	}
	return 0
}

// client speaks HTTP over one connection and repeats nothing, unlike net/http's:
// each broken answer is seen.
type client struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// do answers status, header and body. A dial error is one of refusedError.
func (c *client) do(method, body string) (*http.Response, string, error) {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.addr)
		if err != nil {
			return nil, "", refusedError{err}
		}
		c.conn, c.in = conn, bufio.NewReader(conn)
	}
	_ = c.conn.SetDeadline(time.Now().Add(20 * time.Second))
	request, err := http.NewRequest(method, "http://"+c.addr+"/path?a=1;b=%zz", strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	if body == "" {
		request.Body = nil
	}
	answer, content, err := c.exchange(request)
	if err != nil || answer.Close {
		c.close()
	}
	return answer, content, err
}

func (c *client) exchange(request *http.Request) (*http.Response, string, error) {
	if err := request.Write(c.conn); err != nil {
		return nil, "", err
	}
	answer, err := http.ReadResponse(c.in, request)
	if err != nil {
		return nil, "", err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	return answer, string(content), err
}

type refusedError struct{ error }

// load has clients ask without pause until stop; it counts what went wrong.
type load struct {
	stopping atomic.Bool
	clients  sync.WaitGroup
	asked    atomic.Int64
	failed   atomic.Int64
	backends sync.Map // names that answered
}

func startLoad(t *testing.T, addr string, clients int, methods ...string) *load {
	l := &load{}
	for i := range clients {
		l.clients.Go(func() {
			c := &client{addr: addr}
			defer c.close()
			for n := 0; !l.stopping.Load(); n++ {
				method, body := methods[(n+i)%len(methods)], ""
				if method == http.MethodPost {
					body = fmt.Sprintf("%d-%d", i, n)
				}
				answer, content, err := c.do(method, body)
				l.asked.Add(1)
				switch {
				case err != nil:
					t.Errorf("client %d, %s: %v", i, method, err)
				case answer.StatusCode != http.StatusOK:
					t.Errorf("client %d, %s: %s: %s", i, method, answer.Status, content)
				case content != method+" "+body && method != http.MethodHead:
					t.Errorf("client %d: sent %s %s, got back %q", i, method, body, content)
				default:
					l.backends.Store(answer.Header.Get("Backend"), true)
					continue
				}
				if l.failed.Add(1) > 10 {
					return
				}
			}
		})
	}
	return l
}

func (l *load) stop(t *testing.T) {
	t.Helper()
	l.stopping.Store(true)
	l.clients.Wait()
	if l.asked.Load() == 0 {
		t.Error("nothing was asked")
	}
	t.Logf("%d requests, %d failed", l.asked.Load(), l.failed.Load())
}

func (l *load) answered(name string) bool {
	_, ok := l.backends.Load(name)
	return ok
}
