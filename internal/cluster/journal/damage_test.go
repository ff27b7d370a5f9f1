package journal

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/asctl/as/internal/cluster/integrity"
)

// Damage is refused, or did not matter since the store has what it hit.
func TestDamageIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		defer os.RemoveAll(m.dir)
		if err := m.open(rapid.Bool().Draw(t, "moves at once")); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			m.change(t)
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
			if !integrity.IsDamage(err) {
				t.Fatal("unclear: ", err)
			}
			return
		}
		defer m.journal.Close()
		if diff := cmp.Diff(sorted(m.is), contents(t, m.journal)); diff != "" {
			t.Fatal(diff)
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
	if _, err := f.WriteAt([]byte("x"), 2*blockSize+30); err != nil {
		t.Fatal(err)
	}
	_, err = open(config(dir, d))
	if want := "journal in " + dir + ": record 3 is unreadable, and record 4 follows it"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// The newest record was acknowledged: it is not taken for one that the power
// failed in, whichever of its sectors is hit; one with a sector that is as it was
// before is.
func TestTheNewestRecordIsDamagedOrTorn(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(sector []byte)
		want   string // of the error; "": the record is dropped
	}{
		{"a flipped bit", func(b []byte) { b[100] ^= 4 }, "is damaged: a sector of it is neither old nor new"},
		{"a flipped bit of the header", func(b []byte) { b[5] ^= 4 }, "is damaged: a sector of it is neither old nor new"},
		{"noise", func(b []byte) { copy(b, strings.Repeat("noise", 100)) }, "is damaged: a sector of it is neither old nor new"},
		{"still blank", func(b []byte) { clear(b) }, ""},
	} {
		for at := range 8 {
			dir, d := t.TempDir(), newDisk()
			s := opened(t, config(dir, d))
			store(t, s, entries(1, 10))
			store(t, s, entries(2, 3800)) // eight sectors
			path := paths(dir)[0]
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			from := 2*blockSize + at*sectorSize
			c.damage(b[from : from+sectorSize])
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err = open(config(dir, d))
			if c.want != "" {
				if !integrity.IsDamage(err) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s of sector %d: %v", c.name, at, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s, sector %d: %v", c.name, at, err)
				continue
			}
			if diff := cmp.Diff(lines(entries(1, 10)), contents(t, s)); diff != "" {
				t.Errorf("%s, sector %d: %s", c.name, at, diff)
			}
			s.Close()
		}
	}
}

// What a stopped node had written is missed when all of it is gone.
func TestAWipedJournalIsRefused(t *testing.T) {
	dir, d := t.TempDir(), newDisk()
	s := opened(t, config(dir, d))
	for i := uint64(1); i <= 12; i++ {
		store(t, s, entries(i, 10))
	}
	clean := s.Close()
	for _, which := range [][]int{{0}, {1}, {0, 1}} {
		var kept [2][]byte
		for i, path := range paths(dir) {
			b, err := os.ReadFile(path)
			if err = errors.Join(clean, err); err != nil {
				t.Fatal(err)
			}
			kept[i] = b
			if slices.Contains(which, i) {
				if err := os.WriteFile(path, make([]byte, len(b)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		s, err := open(config(dir, d))
		if err == nil {
			if diff := cmp.Diff(12, len(contents(t, s))); diff != "" || slices.Contains(which, 1) {
				t.Errorf("%v wiped: it was opened; %s", which, diff)
			}
			s.Close()
		} else if !integrity.IsDamage(err) {
			t.Errorf("%v wiped: %v", which, err)
		}
		for i, path := range paths(dir) {
			if err := os.WriteFile(path, kept[i], 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A log that is shorter than at the clean stop has lost entries; one that Raft
// truncated has not.
func TestALogThatLostItsEndIsRefused(t *testing.T) {
	dir, d := t.TempDir(), newDisk()
	s := opened(t, config(dir, d))
	store(t, s, entries(1, 10, 10, 10))
	s.Close()
	s = opened(t, config(dir, d))
	if err := s.DeleteRange(3, 3); err != nil {
		t.Fatal(err)
	}
	s = opened(t, config(dir, d)) // as after a crash
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.DeleteRange(2, 2); err != nil {
		t.Fatal(err)
	}
	_, err := open(config(dir, d))
	if !integrity.IsDamage(err) || err.Error() != "the log ends at entry 1, and entry 2 was written" {
		t.Error(err)
	}
}
