package builtin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asctl/as/internal/providers"
)

func ask(t *testing.T, s *Server, method, body string) (*http.Response, string) {
	t.Helper()
	c := &client{addr: s.Addr(web)}
	defer c.close()
	answer, content, err := c.do(method, body)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return answer, content
}

func TestPoolWithoutTargetsSaysSo(t *testing.T) {
	s := serve(t, PoolConfig{})
	answer, content := ask(t, s, http.MethodGet, "")
	if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(content, "pool web: no target takes requests") {
		t.Errorf("%s: %s", answer.Status, content)
	}
	gone := providers.Target{Instance: "i-1", Address: freshHost(), Port: targetPort}
	s.SetTargets(web, 1, []providers.Target{gone})
	answer, content = ask(t, s, http.MethodPost, "x")
	if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(content, "connection refused") {
		t.Errorf("%s: %s", answer.Status, content)
	}
}

func TestBodyOfARefusedAttemptReachesTheNextTarget(t *testing.T) {
	s := serve(t, PoolConfig{})
	b := startBackend(t, "i-up", named("i-up"))
	targets := []providers.Target{b.target()}
	for n := range 4 {
		targets = append(targets, providers.Target{Instance: fmt.Sprintf("i-down%d", n), Address: freshHost(), Port: targetPort})
	}
	s.SetTargets(web, 1, targets)
	for n := range 20 {
		body := strings.Repeat("x", 1+n*5000)
		if answer, content := ask(t, s, http.MethodPost, body); content != "POST "+body {
			t.Fatalf("%s: %d bytes", answer.Status, len(content))
		}
	}
}

// TestPostIsNotRepeated: the target breaks off after it took the request, so
// another attempt might do the thing twice.
func TestPostIsNotRepeated(t *testing.T) {
	s := serve(t, PoolConfig{})
	asked := make(chan string, 10)
	breaking := func(name string) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			asked <- name
			panic(http.ErrAbortHandler)
		})
	}
	a, b := startBackend(t, "i-a", breaking("i-a")), startBackend(t, "i-b", breaking("i-b"))
	s.SetTargets(web, 1, []providers.Target{a.target(), b.target()})
	if answer, _ := ask(t, s, http.MethodPost, "x"); answer.StatusCode != http.StatusBadGateway {
		t.Errorf("status %s", answer.Status)
	}
	if len(asked) != 1 {
		t.Errorf("the POST was sent %d times", len(asked))
	}
	<-asked
	if answer, _ := ask(t, s, http.MethodGet, ""); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %s", answer.Status)
	}
	if first, second := <-asked, <-asked; first == second {
		t.Error("the GET was repeated on the same target")
	}
}

func TestHalfAnAnswerIsNotTakenForAWholeOne(t *testing.T) {
	s := serve(t, PoolConfig{})
	b := startBackend(t, "i-1", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	s.SetTargets(web, 1, []providers.Target{b.target()})
	c := &client{addr: s.Addr(web)}
	defer c.close()
	if answer, content, err := c.do(http.MethodGet, ""); err == nil {
		t.Errorf("%s: %q was taken for an answer", answer.Status, content)
	}
	soon(t, "nothing is open", func() bool { return open(s, "i-1") == 0 })
}

func TestTargetSeesTheRequestAsItCame(t *testing.T) {
	s := serve(t, PoolConfig{})
	seen := make(chan *http.Request, 1)
	b := startBackend(t, "i-1", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r }))
	s.SetTargets(web, 1, []providers.Target{b.target()})
	conn, err := net.Dial("tcp", s.Addr(web))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /a%2Fb?x=1;y=%zz HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 192.0.2.7\r\nX-Hop: 1\r\nConnection: X-Hop\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Fatal(err)
	}
	r := <-seen
	if r.Host != "shop.example" || r.RequestURI != "/a%2Fb?x=1;y=%zz" {
		t.Errorf("host %q, URI %q", r.Host, r.RequestURI)
	}
	from, _, _ := net.SplitHostPort(conn.LocalAddr().String())
	if got := r.Header.Get("X-Forwarded-For"); got != "192.0.2.7, "+from {
		t.Errorf("X-Forwarded-For %q", got)
	}
	if r.Header.Get("X-Hop") != "" {
		t.Error("a header of the hop was passed on")
	}
}

func TestAnswerIsStreamed(t *testing.T) {
	s := serve(t, PoolConfig{})
	more := make(chan struct{})
	b := startBackend(t, "i-1", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: one\n\n")
		_ = http.NewResponseController(w).Flush()
		<-more
		fmt.Fprint(w, "data: two\n\n")
	}))
	s.SetTargets(web, 1, []providers.Target{b.target()})
	answer, err := http.Get("http://" + s.Addr(web))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	in := bufio.NewReader(answer.Body)
	if line, err := in.ReadString('\n'); line != "data: one\n" {
		t.Fatalf("%q, %v before the end", line, err)
	}
	close(more)
	if rest, err := io.ReadAll(in); string(rest) != "\ndata: two\n\n" {
		t.Errorf("%q, %v", rest, err)
	}
}

// TestUpgradedConnectionPasses also drains and stops with one open.
func TestUpgradedConnectionPasses(t *testing.T) {
	s, stop := serveUntil(t, Config{StopGrace: 300 * time.Millisecond})
	defer stop()
	b := startBackend(t, "i-1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", r.Header.Get("Upgrade"))
		_, _ = io.Copy(conn, buffered) // echo until it is closed
	}))
	s.SetTargets(web, 1, []providers.Target{b.target()})
	conn, err := net.Dial("tcp", s.Addr(web))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", answer, err)
	}
	echo := func(text string) {
		t.Helper()
		fmt.Fprintln(conn, text)
		if got, err := in.ReadString('\n'); got != text+"\n" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	echo("one")
	s.SetTargets(web, 2, []providers.Target{b.draining()})
	echo("two")
	if open(s, "i-1") != 1 {
		t.Error("the upgraded connection is not counted")
	}
	stop()
	if _, err := in.ReadString('\n'); err == nil {
		t.Error("the connection outlived the server")
	}
}

func TestPoolListensWhenTheAddressIsFree(t *testing.T) {
	address := freshHost() + ":7500"
	other, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewServer(Config{Pools: map[string]PoolConfig{web: {Listen: address}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	until(t, s, "it says why", func() bool { return strings.Contains(s.Report()[0].Problem, "in use") })
	if s.pools[web].listening("", s.Report()[0].Problem) {
		t.Error("a problem is news each time that it is met")
	}
	_ = other.Close()
	until(t, s, "it listens", func() bool { return s.Addr(web) == address })
	if problem := s.Report()[0].Problem; problem != "" {
		t.Errorf("problem %q", problem)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	registry := prometheus.NewRegistry()
	s, stop := serveUntil(t, Config{Registerer: registry})
	defer stop()
	ask(t, s, http.MethodGet, "")
	b := startBackend(t, "i-1", named("i-1"))
	s.SetTargets(web, 1, []providers.Target{b.target()})
	ask(t, s, http.MethodGet, "")
	ask(t, s, http.MethodPost, "x")
	if got := s.Requests(web); got != 3 {
		t.Errorf("%d requests", got)
	}
	stop() // the last answers are counted
	got := make(map[string]float64)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "autoscaling_balancer_requests_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			if v := m.GetCounter().GetValue(); v != 0 {
				got[m.GetLabel()[0].GetValue()] = v
			}
		}
	}
	if want := map[string]float64{"2xx": 2, outcomeNoTarget: 1}; !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for name, config := range map[string]PoolConfig{
		"no port":       {Listen: "127.0.0.1"},
		"unknown mode":  {Listen: "127.0.0.1:1", Mode: "udp"},
		"relative path": {Listen: "127.0.0.1:1", HealthCheck: HealthCheck{HTTP: "ready"}},
		"negative":      {Listen: "127.0.0.1:1", HealthCheck: HealthCheck{Interval: -1}},
	} {
		if _, err := NewServer(Config{Pools: map[string]PoolConfig{web: config}}); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
	if _, err := NewServer(Config{Pools: map[string]PoolConfig{"Web/": {Listen: "127.0.0.1:1"}}}); err == nil {
		t.Error("a wrong name was taken")
	}
}
