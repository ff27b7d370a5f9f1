package integrity

import (
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

func openedStable(t *testing.T, store raft.StableStore, empty bool) *Stable {
	t.Helper()
	s, err := OpenStable(store, empty)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStableValuesAreFoundAgain(t *testing.T) {
	store := raft.NewInmemStore()
	s := openedStable(t, store, true)
	if _, err := s.GetUint64([]byte("CurrentTerm")); err == nil || err.Error() != "not found" { // Raft's condition
		t.Error(err)
	}
	if err := errors.Join(s.SetUint64([]byte("CurrentTerm"), 7), s.Set([]byte("LastVoteCand"), []byte("n2"))); err != nil {
		t.Fatal(err)
	}
	s = openedStable(t, store, false)
	term, err := s.GetUint64([]byte("CurrentTerm"))
	vote, err2 := s.Get([]byte("LastVoteCand"))
	if term != 7 || string(vote) != "n2" || err != nil || err2 != nil {
		t.Error(term, string(vote), err, err2)
	}
}

// At every step of taking over the values may be read again.
func TestValuesOfAnEarlierVersionAreTakenOver(t *testing.T) {
	for steps := range 6 {
		old := raft.NewInmemStore()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(old.SetUint64([]byte("CurrentTerm"), 7)) // InmemStore keeps numbers apart from values
		must(old.Set([]byte("CurrentTerm"), []byte{0, 0, 0, 0, 0, 0, 0, 7}))
		must(old.Set([]byte("LastVoteTerm"), []byte{0, 0, 0, 0, 0, 0, 0, 6}))
		must(old.Set([]byte("LastVoteCand"), []byte("n3")))
		if _, err := OpenStable(&dying{old, steps}, false); err != nil && !errors.Is(err, errDied) {
			t.Fatal(err)
		}
		s := openedStable(t, old, false)
		term, _ := s.GetUint64([]byte("CurrentTerm"))
		voted, _ := s.GetUint64([]byte("LastVoteTerm"))
		if v, _ := s.Get([]byte("LastVoteCand")); term != 7 || voted != 6 || string(v) != "n3" {
			t.Errorf("after %d steps: %d, %d, %s", steps, term, voted, v)
		}
	}
}

var errDied = errors.New("died")

// dying has a power that lasts for so many writes.
type dying struct {
	*raft.InmemStore
	left int
}

func (d *dying) Set(key, value []byte) error {
	if d.left--; d.left < 0 {
		return errDied
	}
	return d.InmemStore.Set(key, value)
}

func TestEveryFlippedBitOfStableValuesIsFound(t *testing.T) {
	store := raft.NewInmemStore()
	s := openedStable(t, store, true)
	if err := errors.Join(s.SetUint64([]byte("CurrentTerm"), 7), s.Set([]byte("LastVoteCand"), []byte("n2"))); err != nil {
		t.Fatal(err)
	}
	b, err := store.Get([]byte("stable"))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(b) * 8 {
		bad := append([]byte(nil), b...)
		bad[bit/8] ^= 1 << (bit % 8)
		if err := store.Set([]byte("stable"), bad); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenStable(store, false); !IsDamage(err) {
			t.Fatalf("bit %d: %v", bit, err)
		}
	}
	if err := store.Set([]byte("stable"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStable(store, true); !IsDamage(err) || !strings.Contains(err.Error(), "is missing") {
		t.Error(err)
	}
}
