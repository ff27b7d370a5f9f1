package builtin

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
)

// runFor is how long load tests last.
const runFor = 2500 * time.Millisecond

// fleet is the backends of a pool, changed the way that the scheduler does it.
type fleet struct {
	t      *testing.T
	server *Server
	index  uint64
	serial int
	live   []*backend
}

func (f *fleet) targets(draining ...*backend) []providers.Target {
	var targets []providers.Target
	for _, b := range f.live {
		targets = append(targets, b.target())
	}
	for _, b := range draining {
		targets = append(targets, b.draining())
	}
	return targets
}

func (f *fleet) set(draining ...*backend) {
	f.index++
	f.server.SetTargets(web, f.index, f.targets(draining...))
}

func (f *fleet) add() *backend {
	f.serial++
	name := fmt.Sprintf("i-%d", f.serial)
	b := startBackend(f.t, name, named(name))
	f.live = append(f.live, b)
	f.set()
	return b
}

// leave drains a backend, waits as the leader does, and stops it.
func (f *fleet) leave(n int) {
	b := f.live[n]
	f.live = append(f.live[:n:n], f.live[n+1:]...)
	f.set(b)
	until(f.t, f.server, "it is drained", func() bool {
		return f.server.Report()[0].Index >= f.index && open(f.server, b.instance) == 0
	})
	b.stop()
	f.set()
}

func TestNoRequestFailsWhileTargetsComeDrainAndStop(t *testing.T) {
	s := serve(t, PoolConfig{})
	f := &fleet{t: t, server: s}
	for range 3 {
		f.add()
	}
	l := startLoad(t, s.Addr(web), 8, http.MethodGet, http.MethodPost, http.MethodDelete)
	random := rand.New(rand.NewPCG(1, 1))
	for end := time.Now().Add(runFor); time.Now().Before(end); {
		f.add()
		<-time.After(time.Duration(random.IntN(10)) * time.Millisecond)
		f.leave(random.IntN(len(f.live)))
	}
	l.stop(t)
	if !l.answered(f.live[len(f.live)-1].instance) && f.serial < 10 {
		t.Error("new targets got no traffic")
	}
	t.Logf("%d targets came and went", f.serial)
}

// backendHost makes this test binary a backend.
const backendHost = "BUILTIN_TEST_BACKEND"

func TestMain(m *testing.M) {
	if host := os.Getenv(backendHost); host != "" {
		fmt.Println(http.ListenAndServe(fmt.Sprintf("%s:%d", host, targetPort), named(host)))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// spawn starts a backend that is a process of its own.
func spawn(t *testing.T) (target providers.Target, kill func()) {
	t.Helper()
	host := freshHost()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), backendHost+"="+host)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill() // may be dead
		_ = cmd.Wait()         // killed
	}
	t.Cleanup(kill)
	return providers.Target{Instance: "i-" + host, Address: host, Port: targetPort}, kill
}

func TestNoIdempotentRequestFailsWhenTargetsAreKilled(t *testing.T) {
	s := serve(t, PoolConfig{})
	var targets []providers.Target
	var kills []func()
	for range 4 {
		target, kill := spawn(t)
		targets, kills = append(targets, target), append(kills, kill)
	}
	s.SetTargets(web, 1, targets)
	soon(t, "all are admitted", func() bool { return admitted(s) == len(targets) })
	l := startLoad(t, s.Addr(web), 8, http.MethodGet, http.MethodHead, http.MethodOptions)
	for i := range 3 {
		<-time.After(runFor / 5)
		kills[i]()
		<-time.After(runFor / 10)
		s.SetTargets(web, uint64(2+i), targets[i+1:])
	}
	l.stop(t)
	if !l.answered(targets[0].Address) || !l.answered(targets[3].Address) {
		t.Error("not all targets had traffic before they were killed")
	}
}

func admitted(s *Server) int {
	count := 0
	for _, t := range *s.pools[web].live.Load() {
		if t.admitted.Load() {
			count++
		}
	}
	return count
}

func TestSlowRequestIsWaitedForAndEndsWell(t *testing.T) {
	s := serve(t, PoolConfig{})
	release := make(chan struct{})
	slow := startBackend(t, "i-slow", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
		named("i-slow").ServeHTTP(w, r)
	}))
	s.SetTargets(web, 1, []providers.Target{slow.target()})
	answer := make(chan string)
	go func() {
		c := &client{addr: s.Addr(web)}
		defer c.close()
		_, content, err := c.do(http.MethodPost, "body")
		if err != nil {
			content = err.Error()
		}
		answer <- content
	}()
	other := startBackend(t, "i-other", named("i-other"))
	soon(t, "the request is open", func() bool { return open(s, "i-slow") == 1 })
	s.SetTargets(web, 2, []providers.Target{slow.draining(), other.target()})
	c := &client{addr: s.Addr(web)}
	defer c.close()
	for range 10 {
		if got, _, err := c.do(http.MethodGet, ""); err != nil || got.Header.Get("Backend") != "i-other" {
			t.Fatalf("a draining target got a new request (%v)", err)
		}
	}
	if r := s.Report()[0]; r.Index != 2 || open(s, "i-slow") != 1 {
		t.Fatalf("report %+v, want index 2 with the slow one open", r)
	}
	s.SetTargets(web, 3, []providers.Target{other.target()}) // even out of the set it is counted
	if open(s, "i-slow") != 1 {
		t.Error("a target that left is not reported while a request is open")
	}
	changed := s.Changed()
	close(release)
	if got := <-answer; got != "POST body" {
		t.Errorf("the slow request got %q", got)
	}
	<-changed
	until(t, s, "nothing is open", func() bool { return open(s, "i-slow") == 0 })
}

// TestNewTargetThatIsNotReadyGetsNoTraffic: it accepts connections, but its
// check and its answers fail for a while.
func TestNewTargetThatIsNotReadyGetsNoTraffic(t *testing.T) {
	s := serve(t, PoolConfig{HealthCheck: HealthCheck{HTTP: "/ready"}})
	old := startBackend(t, "i-old", named("i-old"))
	s.SetTargets(web, 1, []providers.Target{old.target()})
	soon(t, "the old one is admitted", func() bool { return admitted(s) == 1 })
	l := startLoad(t, s.Addr(web), 4, http.MethodGet, http.MethodPost)
	begin := time.Now()
	fresh := startBackend(t, "i-fresh", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if time.Since(begin) < 400*time.Millisecond {
			http.Error(w, "warming up", http.StatusServiceUnavailable)
			return
		}
		named("i-fresh").ServeHTTP(w, r)
	}))
	s.SetTargets(web, 2, []providers.Target{old.target(), fresh.target()})
	soon(t, "it is admitted", func() bool { return admitted(s) == 2 })
	<-time.After(50 * time.Millisecond)
	l.stop(t)
	if !l.answered("i-fresh") {
		t.Error("the new target got no traffic after it was ready")
	}
}

func TestOpenRequestsEndWhenTheServerStops(t *testing.T) {
	release := make(chan struct{})
	s, stop := serveUntil(t, Config{})
	b := startBackend(t, "i-1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			<-release
		}
		named("i-1").ServeHTTP(w, r)
	}))
	s.SetTargets(web, 1, []providers.Target{b.target()})
	addr := s.Addr(web)
	slow := make(chan error)
	go func() {
		c := &client{addr: addr}
		defer c.close()
		_, content, err := c.do(http.MethodPost, "late")
		if err == nil && content != "POST late" {
			err = fmt.Errorf("got %q", content)
		}
		slow <- err
	}()
	soon(t, "it is open", func() bool { return open(s, "i-1") == 1 })
	busy := make(chan error)
	go func() { // a busy client is told to go before its connection is closed
		c := &client{addr: addr}
		defer c.close()
		for {
			_, _, err := c.do(http.MethodGet, "")
			if _, refused := err.(refusedError); refused {
				err = nil
				busy <- err
				return
			}
			if err != nil {
				busy <- err
				return
			}
		}
	}()
	<-time.After(50 * time.Millisecond)
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	if err := <-busy; err != nil {
		t.Errorf("busy client: %v", err)
	}
	select {
	case <-stopped:
		t.Error("stopped with a request open")
	default:
	}
	close(release)
	if err := <-slow; err != nil {
		t.Errorf("slow request: %v", err)
	}
	<-stopped
}

func TestStopIsBounded(t *testing.T) {
	s, stop := serveUntil(t, Config{StopGrace: 100 * time.Millisecond})
	entered := make(chan struct{})
	b := startBackend(t, "i-1", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done() // forever, but for the connection's end
	}))
	s.SetTargets(web, 1, []providers.Target{b.target()})
	c := &client{addr: s.Addr(web)}
	defer c.close()
	go func() {
		<-entered
		stop()
	}()
	if answer, _, err := c.do(http.MethodPost, "x"); err == nil && answer.StatusCode == http.StatusOK {
		t.Error("a request that never ended was answered")
	}
	stop()
}
