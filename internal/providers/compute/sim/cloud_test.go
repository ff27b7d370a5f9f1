package sim_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
)

const cluster = "test"

func fence(epoch uint64) providers.Fence {
	return providers.Fence{Cluster: cluster, Incarnation: "first", Epoch: epoch}
}

func instance(n int) string { return fmt.Sprintf("i-%017x", n) }

func launch(t *testing.T, c *sim.Cloud, instance string) providers.Machine {
	t.Helper()
	if _, err := c.Ensure(t.Context(), fence(1), spec(instance)); err != nil {
		t.Fatal(err)
	}
	m, err := c.Start(t.Context(), fence(1), instance)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func wantClass(t *testing.T, err error, class providers.Class) {
	t.Helper()
	if err == nil || providers.ClassOf(err) != class {
		t.Fatalf("error %v is %s, want %s", err, providers.ClassOf(err), class)
	}
}

func list(t *testing.T, c *sim.Cloud) map[string]providers.Machine {
	t.Helper()
	l, err := c.List(t.Context(), cluster)
	if err != nil {
		t.Fatal(err)
	}
	machines := make(map[string]providers.Machine, len(l.Machines))
	for _, m := range l.Machines {
		machines[m.Instance] = m
	}
	return machines
}

func TestDelaysTakeVirtualTime(t *testing.T) {
	for name, directory := range map[string]string{"memory": "", "directory": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				c := open(t, sim.Config{LaunchDelay: time.Hour, TerminateDelay: 10 * time.Minute, Directory: directory})
				begin := time.Now()
				if m := launch(t, c, instance(1)); m.State != providers.MachineRunning {
					t.Errorf("state %s after Start", m.State)
				}
				if took := time.Since(begin); took < time.Hour || took > time.Hour+time.Second {
					t.Errorf("Start took %s, want an hour", took)
				}
				begin = time.Now()
				if err := c.Stop(t.Context(), fence(1), instance(1), time.Hour); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begin); took < 10*time.Minute || took > 10*time.Minute+time.Second {
					t.Errorf("Stop took %s, want ten minutes", took)
				}
				launch(t, c, instance(2))
				begin = time.Now()
				if err := c.Stop(t.Context(), fence(1), instance(2), time.Minute); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(begin); took > time.Minute+time.Second {
					t.Errorf("Stop took %s, want its time-out of a minute", took)
				}
			})
		})
	}
}

func TestStartThatIsNotWaitedForGoesOn(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := open(t, sim.Config{LaunchDelay: time.Minute})
		if _, err := c.Ensure(t.Context(), fence(1), spec(instance(1))); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Start(ctx, fence(1), instance(1))
		wantClass(t, err, providers.UnknownOutcome)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v does not wrap the deadline", err)
		}
		if m := list(t, c)[instance(1)]; m.State != providers.MachineCreated {
			t.Errorf("state %s while it launches", m.State)
		}
		<-time.After(time.Minute)
		if m := list(t, c)[instance(1)]; m.State != providers.MachineRunning {
			t.Errorf("state %s after the delay", m.State)
		}
	})
}

func TestStopEndsALaunch(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := open(t, sim.Config{LaunchDelay: time.Minute})
		if _, err := c.Ensure(t.Context(), fence(1), spec(instance(1))); err != nil {
			t.Fatal(err)
		}
		done := make(chan providers.Machine)
		go func() {
			m, err := c.Start(t.Context(), fence(1), instance(1))
			if err != nil {
				t.Errorf("start: %v", err)
			}
			done <- m
		}()
		synctest.Wait()
		if err := c.Stop(t.Context(), fence(1), instance(1), time.Second); err != nil {
			t.Fatal(err)
		}
		if m := <-done; m.State != providers.MachineStopped || m.Message == "" {
			t.Errorf("state %s, message %q after a stop while it launched", m.State, m.Message)
		}
	})
}

func TestFailuresFollowTheSeed(t *testing.T) {
	const machines, rate = 2000, 0.25
	failed := func(seed uint64, directory string) map[string]bool {
		c := open(t, sim.Config{FailureRate: rate, Seed: seed, Directory: directory})
		set := make(map[string]bool)
		for n := range machines {
			id := instance(n)
			if _, err := c.Ensure(t.Context(), fence(1), spec(id)); err != nil {
				t.Fatal(err)
			}
			for range 2 { // a repeat changes nothing
				if _, err := c.Start(t.Context(), fence(1), id); err != nil {
					wantClass(t, err, providers.Failed)
					set[id] = true
				} else if set[id] {
					t.Fatalf("%s failed first and started then", id)
				}
			}
		}
		return set
	}
	first, again, other := failed(1, ""), failed(1, t.TempDir()), failed(2, "")
	if share := float64(len(first)) / machines; math.Abs(share-rate) > 0.05 {
		t.Errorf("%v of the instances failed, want about %v", share, rate)
	}
	if fmt.Sprint(first) != fmt.Sprint(again) {
		t.Error("the same seed failed other instances")
	}
	if fmt.Sprint(first) == fmt.Sprint(other) {
		t.Error("another seed failed the same instances")
	}
}

func TestZoneHoldsItsCapacity(t *testing.T) {
	c := open(t, sim.Config{ZoneCapacity: map[string]int{"a": 2, "closed": 0}})
	launch(t, c, instance(1))
	launch(t, c, instance(2))
	_, err := c.Ensure(t.Context(), fence(1), spec(instance(3)))
	wantClass(t, err, providers.OutOfCapacity)
	if _, err := c.Ensure(t.Context(), fence(1), spec(instance(2))); err != nil {
		t.Errorf("ensure of a machine that is there: %v", err)
	}
	elsewhere := spec(instance(4))
	elsewhere.Zone = "b"
	if _, err := c.Ensure(t.Context(), fence(1), elsewhere); err != nil {
		t.Errorf("ensure in an unlimited zone: %v", err)
	}
	elsewhere = spec(instance(5))
	elsewhere.Zone = "closed"
	_, err = c.Ensure(t.Context(), fence(1), elsewhere)
	wantClass(t, err, providers.OutOfCapacity)
	if err := c.Stop(t.Context(), fence(1), instance(1), 0); err != nil {
		t.Fatal(err)
	}
	_, err = c.Ensure(t.Context(), fence(1), spec(instance(3)))
	wantClass(t, err, providers.OutOfCapacity) // a stopped machine still has its place
	if err := c.Remove(t.Context(), fence(1), instance(1)); err != nil {
		t.Fatal(err)
	}
	launch(t, c, instance(3))
}

func TestRateLimitSaysWhenToComeBack(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := open(t, sim.Config{RateLimit: 2})
		for range 2 {
			if _, err := c.List(t.Context(), cluster); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.List(t.Context(), cluster)
		wantClass(t, err, providers.Throttled)
		limited, _ := errors.AsType[*providers.Error](err)
		if limited.RetryAfter <= 0 || limited.RetryAfter > time.Second {
			t.Fatalf("come back after %s", limited.RetryAfter)
		}
		<-time.After(limited.RetryAfter)
		if _, err := c.List(t.Context(), cluster); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestAddressesComeBackLate(t *testing.T) {
	pool := sim.Config{AddressPool: mustPrefix("127.79.0.0/29")} // 7 usable addresses
	c := open(t, pool)
	first := launch(t, c, instance(0)).Addresses[0]
	if err := c.Remove(t.Context(), fence(1), instance(0)); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 6; n++ {
		if got := launch(t, c, instance(n)).Addresses[0]; got == first {
			t.Errorf("%s was used again with others free", first)
		}
	}
	if got := launch(t, c, instance(7)).Addresses[0]; got != first {
		t.Errorf("the last free address is %s, got %s", first, got)
	}
	_, err := c.Ensure(t.Context(), fence(1), spec(instance(8)))
	wantClass(t, err, providers.QuotaExceeded)
}

func TestSettingsAreChecked(t *testing.T) {
	for name, config := range map[string]sim.Config{
		"launch-delay":    {LaunchDelay: -1},
		"terminate-delay": {TerminateDelay: -1},
		"failure-rate":    {FailureRate: 1.5},
		"NaN":             {FailureRate: math.NaN()},
		"rate-limit":      {RateLimit: -1},
		"zone-capacity":   {ZoneCapacity: map[string]int{"a": -1}},
		"machine":         {Machines: []string{""}},
		"machine's zone":  {Machines: []string{"m@"}},
		"machine's name":  {Machines: []string{"sim-i-1"}},
		"address-pool":    {AddressPool: mustPrefix("127.79.0.0/32")},
	} {
		if _, err := sim.NewCloud(config); err == nil {
			t.Errorf("%s: a wrong value was taken", name)
		}
	}
}
