package process

import (
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
)

func TestUsageCoversTheWholeSession(t *testing.T) {
	p := newNode(t, newDirectory(t))
	// The work is done by a child, in a process group of its own.
	spec := shell(`set -m; (while :; do :; done) & wait`)
	spec.CPUMillis, spec.MemoryMiB = 500, 64
	mustRun(t, p, spec)
	mustRun(t, p, sleeper("i-idle"))
	mustEnsure(t, p, sleeper("i-created"))

	first := usage(t, p)
	if len(first) != 2 || first[testInstance].CPUPercent >= 0 {
		t.Errorf("first usage %+v, want both running machines, CPU unknown", first)
	}
	var busy, idle providers.Usage
	waitUntil(t, "a rate", func() bool {
		<-time.After(150 * time.Millisecond)
		all := usage(t, p)
		busy, idle = all[testInstance], all["i-idle"]
		return busy.CPUPercent > 20
	})
	if busy.CPUPercent > 300 { // 200, and the clock ticks of a short time
		t.Errorf("CPU %.0f %% of half a core by one thread", busy.CPUPercent)
	}
	if busy.MemoryPercent <= 0 || busy.MemoryPercent > 100 || idle.MemoryPercent <= 0 || idle.MemoryPercent > 10 {
		t.Errorf("memory %.2f %% of 64 MiB and %.4f %% of the host", busy.MemoryPercent, idle.MemoryPercent)
	}
	if idle.CPUPercent < 0 || idle.CPUPercent > 20 {
		t.Errorf("CPU %.0f %% while asleep", idle.CPUPercent)
	}
	if err := p.Stop(t.Context(), fenceOf(1), testInstance, 0); err != nil {
		t.Fatal(err)
	}
	if after := usage(t, p); len(after) != 1 {
		t.Errorf("usage %+v of what was stopped", after)
	}
	if _, known := p.rates.byName[testInstance]; known {
		t.Error("a stopped machine is remembered")
	}
}

func usage(t *testing.T, p *Provider) map[string]providers.Usage {
	t.Helper()
	all, err := p.Usage(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]providers.Usage)
	for _, u := range all {
		byName[u.Instance] = u
	}
	return byName
}

func TestRates(t *testing.T) {
	var r rates
	at := func(ms int, ticks uint64) float64 {
		return r.since("a", sample{time.UnixMilli(int64(ms)), ticks})
	}
	for _, c := range []struct {
		ms    int
		ticks uint64
		want  float64
	}{
		{0, 100, -1},    // nothing to compare with
		{50, 105, -1},   // too soon
		{500, 150, 1},   // half a second of CPU in half a second
		{1000, 150, .5}, // since 0; from here on this is the baseline
		{1500, 250, 2},
		{2000, 100, 0}, // less than before
	} {
		if got := at(c.ms, c.ticks); got != c.want {
			t.Errorf("at %d ms: %v cores, want %v", c.ms, got, c.want)
		}
	}
}
