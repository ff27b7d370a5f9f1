package sim

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

func openIn(t *testing.T, directory string) *Cloud {
	t.Helper()
	c, err := NewCloud(Config{Directory: directory})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // a test may have closed it
	return c
}

var testFence = providers.Fence{Cluster: "test", Incarnation: "first", Epoch: 1}

func (c *Cloud) mustLaunch(t *testing.T, instance string) {
	t.Helper()
	if _, err := c.Ensure(t.Context(), testFence, providers.MachineSpec{Instance: instance, Zone: "a", Group: "g"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Start(t.Context(), testFence, instance); err != nil {
		t.Fatal(err)
	}
}

func (c *Cloud) mustList(t *testing.T) []providers.Machine {
	t.Helper()
	l, err := c.List(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return l.Machines
}

func TestHalfWrittenTailIsCutOff(t *testing.T) {
	directory := t.TempDir()
	c := openIn(t, directory)
	c.mustLaunch(t, "i-a")
	c.mustLaunch(t, "i-b")
	path := filepath.Join(directory, journalName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for cut := last; cut < len(whole); cut += 7 {
		t.Run(fmt.Sprint(cut-last), func(t *testing.T) {
			directory := t.TempDir()
			path := filepath.Join(directory, journalName)
			if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
				t.Fatal(err)
			}
			survivor := openIn(t, directory)
			machines := survivor.mustList(t)
			if len(machines) != 2 || machines[1].State != providers.MachineCreated {
				t.Fatalf("listed %+v: want both, the second not started", machines)
			}
			survivor.mustLaunch(t, "i-b")
			survivor.mustLaunch(t, "i-c")
			if got := len(openIn(t, directory).mustList(t)); got != 3 {
				t.Errorf("the next reader lists %d machines, want 3", got)
			}
		})
	}
}

func TestDamageInTheMiddleIsAnErrorNotALoss(t *testing.T) {
	directory := t.TempDir()
	c := openIn(t, directory)
	c.mustLaunch(t, "i-a")
	c.mustLaunch(t, "i-b")
	path := filepath.Join(directory, journalName)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[bytes.Index(content, []byte("i-a"))] = 'x'
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = openIn(t, directory).List(t.Context(), "test")
	if providers.ClassOf(err) != providers.Unavailable || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("error %v, want Unavailable and why", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(after, content) {
		t.Error("the damaged journal was changed")
	}
}

func TestMissingJournalIsUnavailable(t *testing.T) {
	directory := t.TempDir()
	c := openIn(t, directory)
	c.mustLaunch(t, "i-a")
	if err := os.Remove(filepath.Join(directory, journalName)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.List(t.Context(), "test"); providers.ClassOf(err) != providers.Unavailable {
		t.Errorf("error %v, want Unavailable", err)
	}
	// Who opens the place anew gets another store: never "all lost".
	l, err := openIn(t, directory).List(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if l.Store == c.table.store || len(l.Machines) != 0 {
		t.Errorf("the new place is store %s with %d machines", l.Store, len(l.Machines))
	}
}

func TestCompactionKeepsWhatCounts(t *testing.T) {
	directory := t.TempDir()
	c, other := openIn(t, directory), openIn(t, directory)
	c.journal.threshold = 4 << 10
	path := filepath.Join(directory, journalName)
	c.mustLaunch(t, "i-kept")
	for _, id := range []string{"m-free", "m-ours", "m-gone"} {
		if _, err := c.CreateMachine(id, "a"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Adopt(t.Context(), testFence, providers.AdoptSpec{Instance: "i-adopted", MachineID: "m-ours"}); err != nil {
		t.Fatal(err)
	}
	if gone, err := c.VanishMachine("m-gone"); !gone || err != nil {
		t.Fatal(gone, err)
	}
	other.mustLaunch(t, "i-others")
	largest := int64(0)
	for i := range 1000 {
		id := fmt.Sprintf("i-%d", i)
		c.mustLaunch(t, id)
		if err := c.Remove(t.Context(), testFence, id); err != nil {
			t.Fatal(err)
		}
		c.journal.threshold = min(c.journal.threshold, 4<<10) // a compaction sets the default
		if stat, err := os.Stat(path); err == nil {
			largest = max(largest, stat.Size())
		}
	}
	// A thousand times two machine records and a grave are about 250 KB.
	if largest > 180_000 {
		t.Errorf("the journal grew to %d bytes: it was not compacted", largest)
	}
	want := fmt.Sprint(c.mustList(t))
	for name, reader := range map[string]*Cloud{"one that has it open": other, "a new one": openIn(t, directory)} {
		if got := fmt.Sprint(reader.mustList(t)); got != want {
			t.Errorf("%s lists %s, want %s", name, got, want)
		}
		_, err := reader.Ensure(t.Context(), testFence, providers.MachineSpec{Instance: "i-7", Zone: "a"})
		if providers.ClassOf(err) != providers.StaleEpoch {
			t.Errorf("%s: ensure of a removed one: %v", name, err)
		}
		if dumped := dump(t, reader); dumped != dump(t, c) {
			t.Errorf("%s has\n%s\nwant\n%s", name, dumped, dump(t, c))
		}
	}
}

// TestReplayIsTheSameState does random things through two handles and compares
// what a new reader makes of the file.
func TestReplayIsTheSameState(t *testing.T) {
	directory := t.TempDir()
	nodes := []*Cloud{openIn(t, directory), openIn(t, directory)}
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		c, id := nodes[random.IntN(2)], fmt.Sprintf("i-%d %%-é", random.IntN(60))
		f := testFence
		f.Epoch += uint64(random.IntN(3))
		machine := fmt.Sprintf("m %d", random.IntN(20))
		switch random.IntN(13) {
		case 0, 1, 2:
			_, _ = c.Ensure(t.Context(), f, providers.MachineSpec{Instance: id, Zone: "z one", Config: []byte(`{"cpu": 12.5}`)})
		case 3, 4:
			_, _ = c.Start(t.Context(), f, id)
		case 5:
			_ = c.Stop(t.Context(), f, id, 0)
		case 6:
			_, _ = c.Kill(id)
		case 7:
			if random.IntN(4) == 0 {
				_ = c.Remove(t.Context(), f, id)
			}
		case 8:
			_, _ = c.CreateMachine(machine, "z one")
		case 9:
			if random.IntN(3) == 0 {
				machine = machineID(id)
			}
			_, _ = c.Adopt(t.Context(), f, providers.AdoptSpec{Instance: fmt.Sprintf("i-%d", random.IntN(60)), MachineID: machine})
		case 10:
			if random.IntN(2) == 0 {
				id = fmt.Sprintf("i-%d", random.IntN(60))
			}
			_ = c.Release(t.Context(), f, id)
		case 11:
			_, _ = c.KillMachine(machine)
		case 12:
			_, _ = c.VanishMachine(machine)
		}
	}
	want := dump(t, nodes[0])
	if got := dump(t, nodes[1]); got != want {
		t.Errorf("the two nodes differ:\n%s\n%s", want, got)
	}
	if got := dump(t, openIn(t, directory)); got != want {
		t.Errorf("a new reader differs:\n%s\n%s", want, got)
	}
}

func dump(t *testing.T, c *Cloud) string {
	t.Helper()
	var b []byte
	err := c.do(t.Context(), func(tab *table, _ int64) error {
		for _, m := range tab.order {
			b = appendMachine(b, m)
		}
		for _, id := range slices.Sorted(maps.Keys(tab.outside)) {
			b = appendOutside(b, tab.outside[id])
		}
		b = fmt.Appendln(b, tab.holders, tab.gone)
		for _, id := range tab.dug {
			b = appendGrave(b, id, tab.graves[id])
		}
		b = fmt.Appendln(b, tab.zones, tab.addresses.held)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFrozenHolderOfTheLockIsUnavailable(t *testing.T) {
	directory := t.TempDir()
	c := openIn(t, directory)
	c.mustLaunch(t, "i-a")
	frozen, err := os.OpenFile(filepath.Join(directory, lockName), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(frozen.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if _, err := c.List(t.Context(), "test"); providers.ClassOf(err) != providers.Unavailable {
		t.Errorf("error %v, want Unavailable", err)
	}
	if err := frozen.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(c.mustList(t)); got != 1 {
		t.Errorf("%d machines after the lock was free", got)
	}
}

func TestOldGravesAreForgotten(t *testing.T) {
	c := openIn(t, t.TempDir())
	if err := c.Remove(t.Context(), testFence, "i-a"); err != nil {
		t.Fatal(err)
	}
	tab := c.table
	tab.forget(time.Now().Add(graveLife / 2).UnixNano())
	if len(tab.graves) != 1 {
		t.Fatal("forgotten too early")
	}
	tab.forget(time.Now().Add(2 * graveLife).UnixNano())
	if len(tab.graves) != 0 || len(tab.dug) != 0 {
		t.Error("never forgotten")
	}
}
