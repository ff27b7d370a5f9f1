package virtual

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/asctl/as/internal/providers"
)

// Lists are access lists in memory. They keep the contract of
// providers.AccessList.
type Lists struct {
	mu    sync.Mutex
	lists map[string]*list
}

type list struct {
	epoch   uint64
	entries []providers.Entry
}

// NewLists makes empty lists.
func NewLists(names ...string) *Lists {
	l := &Lists{lists: map[string]*list{}}
	for _, name := range names {
		l.lists[name] = &list{}
	}
	return l
}

// CheckList says whether the list is there.
func (l *Lists) CheckList(ctx context.Context, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.find(ctx, name)
	return err
}

// SetEntries replaces a list's entries.
func (l *Lists) SetEntries(ctx context.Context, fence providers.Fence, name string, entries []providers.Entry) error {
	_, err := l.replace(ctx, fence, name, entries)
	return err
}

// replace answers what was in the list before.
func (l *Lists) replace(ctx context.Context, fence providers.Fence, name string, entries []providers.Entry) ([]providers.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	li, err := l.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if fence.Epoch < li.epoch {
		return nil, providers.Errorf(providers.StaleEpoch, "list %s: epoch %d is over, a leader of epoch %d has spoken", name, fence.Epoch, li.epoch)
	}
	was := li.entries
	li.epoch, li.entries = fence.Epoch, slices.Clone(entries)
	return was, nil
}

func (l *Lists) find(ctx context.Context, name string) (*list, error) {
	if ctx.Err() != nil {
		return nil, providers.Errorf(providers.Unavailable, "list %s: %w", name, context.Cause(ctx))
	}
	li := l.lists[name]
	if li == nil {
		return nil, providers.Errorf(providers.NotFound, "there is no list %s", name)
	}
	return li, nil
}

// Entries is what a list lets in.
func (l *Lists) Entries(name string) []providers.Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if li := l.lists[name]; li != nil {
		return slices.Clone(li.entries)
	}
	return nil
}

// in names the lists that have an entry of the instance.
func (l *Lists) in(instance string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for name, li := range l.lists {
		if slices.ContainsFunc(li.entries, func(e providers.Entry) bool { return e.Instance == instance }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (l *Lists) names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.lists))
}
