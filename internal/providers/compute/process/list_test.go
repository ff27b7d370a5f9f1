package process

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

func TestListSeesEachChangeAtOnce(t *testing.T) {
	directory := newDirectory(t)
	p, other := newNode(t, directory), newNode(t, directory)
	state := func() string {
		t.Helper()
		if all := mustList(t, p); len(all) == 1 {
			return string(all[0].State)
		}
		return "MISSING"
	}
	want := func(s string) {
		t.Helper()
		for range 3 {
			if got := state(); got != s {
				t.Errorf("state %s, want %s", got, s)
			}
		}
	}
	// As fast as can be: faster than the file system's clock ticks.
	for i := range 20 {
		instance := fmt.Sprintf("i-%d", i)
		want("MISSING")
		mustEnsure(t, other, sleeper(instance))
		want("CREATED")
		mustRun(t, other, sleeper(instance))
		want("RUNNING")
		if err := other.Stop(t.Context(), fenceOf(1), instance, 0); err != nil {
			t.Fatal(err)
		}
		want("STOPPED")
		if err := other.Remove(t.Context(), fenceOf(1), instance); err != nil {
			t.Fatal(err)
		}
	}
	want("MISSING")
	if left := len(p.cache.byName); left != 0 {
		t.Errorf("%d removed instances are remembered", left)
	}
}

func TestOneBadRecordHidesNoOther(t *testing.T) {
	directory := newDirectory(t)
	p := newNode(t, directory)
	mustRun(t, p, sleeper(testInstance))
	mustRun(t, p, sleeper("i-good"))
	if err := os.WriteFile(p.paths.instance(testInstance, recordFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p = newNode(t, directory)
	if all := mustList(t, p); len(all) != 1 || all[0].Instance != "i-good" {
		t.Errorf("listed %+v, want the good one", all)
	}
	if m, err := p.Start(t.Context(), fenceOf(1), testInstance); err != nil || m.State != providers.MachineRunning {
		t.Errorf("machine %+v, error %v: want it as it is", m, err)
	}
	if err := p.Remove(t.Context(), fenceOf(1), testInstance); err != nil {
		t.Fatal(err)
	}
	if left := inside(p.paths.instance(testInstance)); len(left) != 0 {
		t.Errorf("processes %v are left", left)
	}
}

func TestParseStat(t *testing.T) {
	line := "42 (a) b) R 1 42 43 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 5 0 777 8 9 18446744073709551615 0"
	s, err := parseStat(42, []byte(line))
	if err != nil {
		t.Fatal(err)
	}
	want := procStat{pid: 42, state: 'R', group: 42, session: 43, cpu: 100, threads: 5, start: 777, rss: 9}
	if s != want {
		t.Errorf("parsed %+v, want %+v", s, want)
	}
	for _, bad := range []string{"", "42 (a", "42 (a) R 1 2"} {
		if _, err := parseStat(42, []byte(bad)); err == nil {
			t.Errorf("%q was parsed", bad)
		}
	}
}

// A listing of a thousand running machines. They are all this one process under
// a thousand names, which costs the same to look up.
func BenchmarkList(b *testing.B) {
	p, err := New(Config{Directory: b.TempDir(), AddressPool: testPool})
	if err != nil {
		b.Fatal(err)
	}
	self, err := ownIdentity()
	if err != nil {
		b.Fatal(err)
	}
	old := []unix.Timespec{{Sec: 1e9}, {Sec: 1e9}}
	for i := range 1000 {
		spec := sleeper(fmt.Sprintf("i-%017x", i))
		if _, err := p.Ensure(b.Context(), fenceOf(1), spec); err != nil {
			b.Fatal(err)
		}
		if err := writeJSON(p.paths.instance(spec.Instance, runFile), run{identity: self}); err != nil {
			b.Fatal(err)
		}
		if err := unix.UtimesNano(p.paths.instance(spec.Instance), old); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if l, err := p.List(b.Context(), "test"); err != nil || len(l.Machines) != 1000 {
			b.Fatal(len(l.Machines), err)
		}
	}
}
