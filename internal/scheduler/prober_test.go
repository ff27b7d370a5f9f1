package scheduler

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
)

// addressed is a cloud whose machines all have one address.
type addressed struct {
	providers.Compute
	address string
}

func (a addressed) Ensure(ctx context.Context, fence providers.Fence, spec providers.MachineSpec) (providers.Machine, error) {
	m, err := a.Compute.Ensure(ctx, fence, spec)
	m.Addresses = []string{a.address}
	return m, err
}

// The only test of the package in real time: virtual time has no sockets.
func TestProbeDecidesWhenAnInstanceServesAndWhenItIsReplaced(t *testing.T) {
	var sick atomic.Bool
	sick.Store(true)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sick.Load() || r.URL.Path != "/healthz" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer web.Close()
	address := web.Listener.Addr().(*net.TCPAddr)

	f := newFixture(t, options{
		cloud:  addressed{newCloud(t), address.IP.String()},
		limits: Limits{TakeoverGrace: 10 * time.Millisecond, ObserveInterval: 50 * time.Millisecond},
	})
	f.configure()
	f.lead()
	defer f.resign()
	g := f.group("web", 1, func(s *autoscaling.GroupSpec) {
		s.HealthCheck.Types = append(s.HealthCheck.Types, autoscaling.HealthProbe)
		s.HealthCheck.Probe = &autoscaling.Probe{
			HTTPPath: "/healthz", Port: int32(address.Port), Interval: time.Second, Timeout: 5 * time.Second,
			UnhealthyThreshold: 1, HealthyThreshold: 1,
		}
	})
	wait := func(what string, so func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not so: %s\n%s", what, f.dump())
			}
		}
	}
	wait("it waits for health", func() bool {
		all := f.instances(g)
		return len(all) == 1 && all[0].Step == autoscaling.StepCheck && strings.Contains(all[0].HealthMessage, "503")
	})
	sick.Store(false)
	wait("it serves", func() bool { return f.inState(g, autoscaling.InService) == 1 })
	first := f.instances(g)[0].ID
	sick.Store(true)
	wait("it leaves", func() bool {
		return f.View().Instance(g, first).State.LeavingForGood() || f.View().Instance(g, first).State.Final()
	})
	sick.Store(false)
	wait("another serves", func() bool { return f.inState(g, autoscaling.InService) == 1 && f.instances(g)[0].ID != first })
}
