package contracttest

import (
	"context"
	"testing"

	"github.com/asctl/as/internal/providers"
)

// AccessListFixture is one fresh access list provider and the means to look at
// what its lists let in.
type AccessListFixture struct {
	// Provider is the one under test.
	Provider providers.AccessList
	// List and OtherList are two lists that can be written.
	List, OtherList string
	// Missing is a list that CheckList must refuse as NotFound. Empty: lists need
	// no declaration here.
	Missing string
	// Entries is what the guarded thing itself says it lets in by our doing, in
	// any order.
	Entries func(t *testing.T, list string) []providers.Entry
	// Reopen is another node's provider on the same lists. Nil: not shared.
	Reopen func(t *testing.T) providers.AccessList
}

// AccessList runs the contract of providers.AccessList; fresh makes a fixture
// with empty lists for each test.
func AccessList(t *testing.T, fresh func(t *testing.T) AccessListFixture) {
	for _, test := range accessListTests {
		t.Run(test.name, func(t *testing.T) { test.run(t, accessListCase{fresh(t)}) })
	}
}

var accessListTests = []struct {
	name string
	run  func(*testing.T, accessListCase)
}{
	{"a list that can be written passes the check", listIsChecked},
	{"SetEntries replaces all entries", entriesAreReplaced},
	{"SetEntries again changes nothing", entriesAreIdempotent},
	{"the empty set lets nobody in", emptySetClearsList},
	{"lists are apart", listsAreApart},
	{"a lower epoch is refused and changes nothing", lowerEpochChangesNoEntries},
	{"the epoch is per list", epochIsPerList},
	{"another node keeps the epoch", nodesShareListEpoch},
	{"sets written at once do not mix", concurrentSetsAreWhole},
	{"a thousand entries are kept", manyEntriesAreKept},
	{"an ended context is an error and changes nothing", endedContextChangesNoEntries},
}

func listIsChecked(t *testing.T, c accessListCase) {
	if err := c.Provider.CheckList(t.Context(), c.List); err != nil {
		t.Errorf("check %s: %v", c.List, err)
	}
	if c.Missing != "" {
		wantClass(t, c.Provider.CheckList(t.Context(), c.Missing), providers.NotFound)
		wantClass(t, c.Provider.SetEntries(t.Context(), fence(1), c.Missing, addressed(1)), providers.NotFound)
	}
}

func endedContextChangesNoEntries(t *testing.T, c accessListCase) {
	c.set(t, 1, c.List, addressed(2))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Provider.SetEntries(ctx, fence(1), c.List, addressed(1)); err == nil {
		t.Error("SetEntries went on")
	}
	if err := c.Provider.CheckList(ctx, c.List); err == nil {
		t.Error("CheckList went on")
	}
	c.want(t, c.List, addressed(2))
}
