package builtin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/providers"
)

// patient is a checker whose probes ask the test, and count.
type patient struct {
	*Checker
	mu    sync.Mutex
	sick  map[string]error // by address
	count map[string]int
	busy  int
	most  int
	takes time.Duration
}

func newPatient(t *testing.T, check HealthCheck) *patient {
	t.Helper()
	pools, err := checkPools(map[string]PoolConfig{web: {Listen: "127.0.0.1:1", HealthCheck: check}})
	if err != nil {
		t.Fatal(err)
	}
	p := &patient{Checker: newChecker(pools), sick: make(map[string]error), count: make(map[string]int)}
	p.probe = p.ask
	return p
}

func (p *patient) ask(ctx context.Context, _ HealthCheck, hostPort string) error {
	p.mu.Lock()
	p.busy++
	p.most = max(p.most, p.busy)
	p.mu.Unlock()
	select {
	case <-time.After(p.takes):
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	p.count[hostPort]++
	return p.sick[hostPort]
}

func (p *patient) set(hostPort string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sick[hostPort] = err
}

func (p *patient) counted(hostPort string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count[hostPort]
}

// run runs the checker; the answer ends it.
func (p *patient) run(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	return func() { cancel(); <-done }
}

func at(n int) providers.Target {
	return providers.Target{Instance: fmt.Sprintf("i-%d", n), Address: fmt.Sprintf("10.0.%d.%d", n/250, 1+n%250), Port: 80}
}

func (p *patient) want(t *testing.T, target providers.Target, want providers.TargetHealth) {
	t.Helper()
	if got, message := p.status(web, keyOf(target)); got != want {
		t.Errorf("%s after %d checks is %s (%s), want %s", target.Instance, p.counted(keyOf(target).hostPort()), got, message, want)
	}
}

var errSick = errors.New("sick")

func TestHealthFollowsTheThresholds(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		p := newPatient(t, HealthCheck{Interval: 2 * time.Second, HealthyThreshold: 2, UnhealthyThreshold: 3})
		defer p.run(t)()
		target := at(1)
		addr := keyOf(target).hostPort()
		p.want(t, target, providers.TargetUnknown)
		changed := p.Changed()
		p.SetTargets(web, []providers.Target{target})
		<-changed
		synctest.Wait()
		p.want(t, target, providers.TargetHealthy) // at once, by its first check
		if p.counted(addr) != 1 {
			t.Errorf("%d checks at once", p.counted(addr))
		}
		p.set(addr, errSick)
		<-time.After(4*time.Second + time.Millisecond)
		p.want(t, target, providers.TargetHealthy)
		<-time.After(2 * time.Second)
		p.want(t, target, providers.TargetUnhealthy)
		if _, message := p.status(web, keyOf(target)); message != "sick" {
			t.Errorf("message %q", message)
		}
		p.set(addr, nil)
		<-time.After(2 * time.Second)
		p.want(t, target, providers.TargetUnhealthy)
		<-time.After(2 * time.Second)
		p.want(t, target, providers.TargetHealthy)
		if got := p.counted(addr); got != 6 {
			t.Errorf("%d checks in ten seconds, want 6", got)
		}
	})
}

func TestNewTargetIsCheckedOftenUntilItIsWell(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		p := newPatient(t, HealthCheck{})
		defer p.run(t)()
		target := at(1)
		p.set(keyOf(target).hostPort(), errSick)
		p.SetTargets(web, []providers.Target{target})
		<-time.After(700 * time.Millisecond)
		p.want(t, target, providers.TargetUnhealthy)
		p.set(keyOf(target).hostPort(), nil)
		changed := p.Changed()
		begin := time.Now()
		<-changed
		if took := time.Since(begin); took > 100*time.Millisecond {
			t.Errorf("found well after %s", took)
		}
		p.want(t, target, providers.TargetHealthy)
	})
}

func TestOnlyTheLastSetIsChecked(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		p := newPatient(t, HealthCheck{})
		defer p.run(t)()
		stays, drains, goes := at(1), at(2), at(3)
		p.SetTargets(web, []providers.Target{stays, drains, goes})
		<-time.After(time.Second)
		d := drains
		d.Drain = true
		p.SetTargets(web, []providers.Target{stays, d})
		p.set(keyOf(drains).hostPort(), errSick)
		<-time.After(10 * time.Second)
		if p.counted(keyOf(goes).hostPort()) != 1 || p.counted(keyOf(drains).hostPort()) != 1 {
			t.Error("a target that left or drains was checked")
		}
		p.want(t, drains, providers.TargetHealthy) // as it was
		p.want(t, goes, providers.TargetUnknown)
		p.SetTargets(web, []providers.Target{stays, drains})
		<-time.After(10 * time.Second)
		p.want(t, drains, providers.TargetUnhealthy) // it is checked again
		p.SetTargets("unknown", []providers.Target{stays})
	})
}

func TestSetsThatComeDuringChecksLeaveOneCheckEach(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		p := newPatient(t, HealthCheck{})
		p.takes = 300 * time.Millisecond
		defer p.run(t)()
		target := at(1)
		d := target
		d.Drain = true
		for n := range 50 {
			p.SetTargets(web, [][]providers.Target{{target}, {d}, nil}[n%3])
			<-time.After(100 * time.Millisecond)
		}
		p.SetTargets(web, []providers.Target{target})
		<-time.After(time.Second)
		before := p.counted(keyOf(target).hostPort())
		<-time.After(20 * time.Second)
		if got := p.counted(keyOf(target).hostPort()) - before; got < 9 || got > 11 {
			t.Errorf("%d checks in 20 s, want 10", got)
		}
	})
}

func TestChecksAreBounded(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		p := newPatient(t, HealthCheck{})
		p.takes = 100 * time.Millisecond
		defer p.run(t)()
		var targets []providers.Target
		for n := range 1000 {
			targets = append(targets, at(n))
		}
		p.SetTargets(web, targets)
		<-time.After(5 * time.Second)
		p.mu.Lock()
		most := p.most
		p.mu.Unlock()
		if most != checkWorkers {
			t.Errorf("%d checks at once, want %d", most, checkWorkers)
		}
		for _, target := range targets {
			p.want(t, target, providers.TargetHealthy)
		}
	})
}

func TestCheckerForgetsWhenItStops(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		p := newPatient(t, HealthCheck{})
		p.takes = 10 * time.Millisecond
		target := at(1)
		p.SetTargets(web, []providers.Target{target}) // before it runs
		stop := p.run(t)
		<-time.After(time.Second)
		p.want(t, target, providers.TargetHealthy)
		<-time.After(time.Second + 5*time.Millisecond) // a check is under way
		stop()
		p.want(t, target, providers.TargetUnknown)
		defer p.run(t)()
		<-time.After(time.Second)
		p.want(t, target, providers.TargetHealthy)
	})
}

func TestProbes(t *testing.T) {
	well := startBackend(t, "i-1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-r.Context().Done()
		case "/moved":
			http.Redirect(w, r, "/missing", http.StatusFound)
		case "/missing":
			http.NotFound(w, r)
		}
	}))
	for name, test := range map[string]struct {
		check HealthCheck
		addr  string
		ok    bool
	}{
		"connects":     {HealthCheck{}, well.hostPort(), true},
		"refused":      {HealthCheck{}, freshHost() + ":8080", false},
		"answers":      {HealthCheck{HTTP: "/ok?x=1"}, well.hostPort(), true},
		"redirects":    {HealthCheck{HTTP: "/moved"}, well.hostPort(), true},
		"not found":    {HealthCheck{HTTP: "/missing"}, well.hostPort(), false},
		"too slow":     {HealthCheck{HTTP: "/slow"}, well.hostPort(), false},
		"http refused": {HealthCheck{HTTP: "/"}, freshHost() + ":8080", false},
	} {
		test.check.Timeout = 200 * time.Millisecond
		if name == "answers" || name == "redirects" || name == "not found" {
			test.check.Timeout = 10 * time.Second
		}
		if err := newProber().probe(t.Context(), test.check, test.addr); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
