package journal

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Damage is refused, or did not matter since the store has what it hit. Only that
// of the newest record passes for a write that the power failed in.
func TestDamageIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		defer os.RemoveAll(m.dir)
		if err := m.open(rapid.Bool().Draw(t, "moves at once")); err != nil {
			t.Fatal(err)
		}
		before := m.is      // the last change
		var newest []uint64 // what it stored, or the last one that stored something
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			before = m.is
			m.change(t)
			if stored := slices.DeleteFunc(slices.Collect(maps.Keys(m.is)), func(i uint64) bool { return before[i] != nil }); len(stored) > 0 {
				newest = stored
			}
		}
		without := maps.Clone(m.is)
		for _, i := range newest {
			delete(without, i)
		}
		m.power.off = true
		m.journal.Close()
		m.power.off = false
		path := paths(m.dir)[rapid.IntRange(0, 1).Draw(t, "segment")]
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[rapid.IntRange(0, small-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := m.open(true); err != nil {
			if !strings.Contains(err.Error(), "is unreadable, and record") {
				t.Fatal("unclear: ", err)
			}
			return
		}
		defer m.journal.Close()
		got := contents(t, m.journal)
		if !slices.Equal(got, sorted(m.is)) && !slices.Equal(got, sorted(before)) && !slices.Equal(got, sorted(without)) {
			t.Fatal(cmp.Diff(sorted(m.is), got))
		}
	})
}

// A record in the middle of those that only the journal has.
func TestAnUnreadableRecordIsNamed(t *testing.T) {
	dir, d := t.TempDir(), newDisk()
	s := opened(t, config(dir, d))
	for i := uint64(1); i <= 3; i++ {
		store(t, s, entries(i, 10))
	}
	f, err := os.OpenFile(paths(dir)[0], os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("x"), blockSize+30); err != nil {
		t.Fatal(err)
	}
	_, err = open(config(dir, d))
	if want := "journal in " + dir + ": record 2 is unreadable, and record 3 follows it"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
