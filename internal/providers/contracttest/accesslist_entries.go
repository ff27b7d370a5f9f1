package contracttest

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/asctl/as/internal/providers"
)

// accessListCase is a fixture with verbs that fail the test.
type accessListCase struct{ AccessListFixture }

// addressed is a set of n entries.
func addressed(n int) []providers.Entry {
	var entries []providers.Entry
	for i := range n {
		entries = append(entries, providers.Entry{
			Address:  fmt.Sprintf("127.77.%d.%d", i/250, 1+i%250),
			Instance: fmt.Sprintf("i-%017x", i),
		})
	}
	return entries
}

func (c accessListCase) set(t *testing.T, epoch uint64, list string, entries []providers.Entry) {
	t.Helper()
	if err := c.Provider.SetEntries(t.Context(), fence(epoch), list, entries); err != nil {
		t.Fatalf("set %d entries of %s: %v", len(entries), list, err)
	}
}

func (c accessListCase) want(t *testing.T, list string, want []providers.Entry) {
	t.Helper()
	got := sorted(c.Entries(t, list))
	if !slices.Equal(got, sorted(want)) {
		t.Fatalf("%s lets in %v, want %v", list, got, sorted(want))
	}
}

func sorted(entries []providers.Entry) []providers.Entry {
	return slices.SortedFunc(slices.Values(entries), func(a, b providers.Entry) int {
		return cmp.Or(cmp.Compare(a.Address, b.Address), cmp.Compare(a.Instance, b.Instance))
	})
}

func entriesAreReplaced(t *testing.T, c accessListCase) {
	three := addressed(3)
	c.set(t, 1, c.List, three[:2])
	c.want(t, c.List, three[:2])
	c.set(t, 1, c.List, three[1:])
	c.want(t, c.List, three[1:])
}

func entriesAreIdempotent(t *testing.T, c accessListCase) {
	entries := addressed(3)
	c.set(t, 1, c.List, entries)
	slices.Reverse(entries)
	c.set(t, 1, c.List, entries)
	c.set(t, 2, c.List, entries)
	c.want(t, c.List, entries)
}

func emptySetClearsList(t *testing.T, c accessListCase) {
	c.set(t, 1, c.List, nil) // of a list never written
	c.want(t, c.List, nil)
	c.set(t, 1, c.List, addressed(2))
	c.set(t, 1, c.List, nil)
	c.want(t, c.List, nil)
}

func listsAreApart(t *testing.T, c accessListCase) {
	c.set(t, 1, c.List, addressed(3))
	c.set(t, 1, c.OtherList, addressed(1))
	c.want(t, c.List, addressed(3))
	c.want(t, c.OtherList, addressed(1))
}

func lowerEpochChangesNoEntries(t *testing.T, c accessListCase) {
	c.set(t, 5, c.List, addressed(2))
	wantClass(t, c.Provider.SetEntries(t.Context(), fence(4), c.List, addressed(1)), providers.StaleEpoch)
	wantClass(t, c.Provider.SetEntries(t.Context(), fence(4), c.List, nil), providers.StaleEpoch)
	c.want(t, c.List, addressed(2))
	c.set(t, 5, c.List, addressed(3))
	c.set(t, 6, c.List, addressed(3)) // the same set still takes the epoch
	wantClass(t, c.Provider.SetEntries(t.Context(), fence(5), c.List, nil), providers.StaleEpoch)
	c.want(t, c.List, addressed(3))
}

func epochIsPerList(t *testing.T, c accessListCase) {
	c.set(t, 9, c.List, addressed(2))
	c.set(t, 1, c.OtherList, addressed(1))
	c.want(t, c.OtherList, addressed(1))
}

func nodesShareListEpoch(t *testing.T, c accessListCase) {
	if c.Reopen == nil {
		t.Skip("the lists of this provider are not shared between nodes")
	}
	c.set(t, 1, c.List, addressed(2))
	other := c
	other.Provider = c.Reopen(t)
	other.set(t, 2, c.List, addressed(1))
	wantClass(t, c.Provider.SetEntries(t.Context(), fence(1), c.List, addressed(2)), providers.StaleEpoch)
	c.want(t, c.List, addressed(1))
}

func concurrentSetsAreWhole(t *testing.T, c accessListCase) {
	all := addressed(40)
	first, second := all[:20], all[20:]
	var wg sync.WaitGroup
	for i := range 10 {
		set := first
		if i%2 == 1 {
			set = second
		}
		wg.Go(func() {
			if err := c.Provider.SetEntries(t.Context(), fence(1), c.List, set); err != nil {
				t.Errorf("set: %v", err)
			}
		})
	}
	wg.Wait()
	got := sorted(c.Entries(t, c.List))
	if !slices.Equal(got, sorted(first)) && !slices.Equal(got, sorted(second)) {
		t.Errorf("%d entries that are neither of the sets: %v", len(got), got)
	}
}

func manyEntriesAreKept(t *testing.T, c accessListCase) {
	c.set(t, 1, c.List, addressed(1000))
	c.want(t, c.List, addressed(1000))
}
