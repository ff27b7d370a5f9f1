package autoscaling

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSurgeAndDipOfDesired(t *testing.T) {
	for _, c := range []struct {
		min, max, desired, surge, dip int32
		first                         bool
	}{
		{0, 0, 0, 1, 1, false}, // the defaults, 90 and 110
		{0, 0, 9, 1, 1, false},
		{0, 0, 19, 1, 1, false},
		{0, 0, 20, 2, 2, false},
		{90, 110, 1000, 100, 100, false},
		{100, 110, 20, 2, 1, true},
		{100, 100, 20, 1, 1, false}, // one may always move
		{100, 200, 7, 7, 1, true},
		{50, 150, 5, 2, 2, false}, // min rounds up, max down
		{0, 100, 5, 1, 5, false},
		{33, 133, 10, 3, 6, false},
	} {
		g := GroupSpec{Desired: c.desired, Maintenance: Maintenance{c.min, c.max}}
		if g.Surge() != c.surge || g.Dip() != c.dip || g.Maintenance.LaunchFirst() != c.first {
			t.Errorf("%+v: surge %d, dip %d, launch first %v", c, g.Surge(), g.Dip(), g.Maintenance.LaunchFirst())
		}
	}
}

func TestMaintenanceAndLifetimeAreChecked(t *testing.T) {
	for _, c := range []struct {
		m        Maintenance
		lifetime time.Duration
		want     string
	}{
		{Maintenance{}, 0, ""},
		{Maintenance{0, 100}, time.Minute, ""},
		{Maintenance{100, 200}, MaxInstanceLifetime, ""},
		{Maintenance{100, 100}, 0, ""},
		{Maintenance{-1, 100}, 0, "maintenance.min_healthy_percent: -1 is not between 0 and 100"},
		{Maintenance{101, 110}, 0, "maintenance.min_healthy_percent: 101 is not between 0 and 100"},
		{Maintenance{90, 99}, 0, "maintenance.max_healthy_percent: 99 is not between 100 and 200"},
		{Maintenance{90, 0}, 0, "maintenance.max_healthy_percent: 0 is not between 100 and 200"},
		{Maintenance{110, 201}, 0, "maintenance.min_healthy_percent: 110 is not between 0 and 100"},
		{Maintenance{100, 201}, 0, "maintenance.max_healthy_percent: 201 is not between 100 and 200"},
		{Maintenance{49, 150}, 0, "maintenance.max_healthy_percent: 150 is 101 above min_healthy_percent, at most 100 are allowed"},
		{Maintenance{}, 59 * time.Second, "max_instance_lifetime: 59s is not between 1m0s and 8760h0m0s"},
		{Maintenance{}, MaxInstanceLifetime + 1, "max_instance_lifetime: 8760h0m0.000000001s is not between 1m0s and 8760h0m0s"},
		{Maintenance{}, -1, "max_instance_lifetime: -1ns is not between 1m0s and 8760h0m0s"},
	} {
		g := DefaultGroupSpec()
		g.Max, g.Maintenance, g.MaxInstanceLifetime = 3, c.m, c.lifetime
		got := ""
		if err := ValidateGroup(&g); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v %v: %q, want %q", c.m, c.lifetime, got, c.want)
		}
		if NormalizeGroup(&g); g.Maintenance == (Maintenance{}) {
			t.Error("the defaults are not filled in")
		}
	}
}

// Those that came together do not go together.
func TestLifetimesAreSpreadOverATenth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lifetime := time.Duration(rapid.Int64Range(int64(MinInstanceLifetime), int64(MaxInstanceLifetime)).Draw(t, "lifetime"))
		served := Time(rapid.Int64Range(1, 1<<50).Draw(t, "served"))
		first := rapid.Uint64().Draw(t, "id")
		var early, late int
		for n := range uint64(200) {
			id := InstanceID(fmt.Sprintf("i-%017x", first+n))
			end := LifetimeEnd(lifetime, served, id)
			if end > served.Add(lifetime) || end < served.Add(lifetime-lifetime/10) || end != LifetimeEnd(lifetime, served, id) {
				t.Fatalf("%s ends at %s", id, end)
			}
			if end < served.Add(lifetime-lifetime/20) {
				early++
			} else {
				late++
			}
		}
		if early < 50 || late < 50 {
			t.Fatalf("%d go in the first half, %d in the second", early, late)
		}
	})
	if LifetimeEnd(0, 5, "i") != 0 || LifetimeEnd(time.Hour, 0, "i") != 0 {
		t.Error("an end where there is none")
	}
}
