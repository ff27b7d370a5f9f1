package scheduler

import (
	"context"
	"slices"
	"sync"

	"github.com/asctl/as/internal/providers"
)

// fakeBalancer is a pool in memory whose targets are healthy, unless a test
// says otherwise.
type fakeBalancer struct {
	mu      sync.Mutex
	targets map[string][]providers.Target
	health  map[string]providers.TargetHealth
	open    map[string]int32
	err     error
	sets    int
}

func newFakeBalancer() *fakeBalancer {
	return &fakeBalancer{targets: map[string][]providers.Target{}, health: map[string]providers.TargetHealth{}, open: map[string]int32{}}
}

func (b *fakeBalancer) CheckPool(context.Context, string) (providers.Pool, error) {
	return providers.Pool{HasHealthCheck: true}, nil
}

func (b *fakeBalancer) SetTargets(_ context.Context, _ providers.Fence, pool string, set providers.TargetSet) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.sets++
	b.targets[pool] = slices.Clone(set.Targets)
	return nil
}

func (b *fakeBalancer) Status(_ context.Context, pool string) ([]providers.TargetStatus, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []providers.TargetStatus
	for _, t := range b.targets[pool] {
		health := providers.TargetHealthy
		if h, ok := b.health[t.Instance]; ok {
			health = h
		}
		all = append(all, providers.TargetStatus{Instance: t.Instance, Health: health, OpenRequests: b.open[t.Instance]})
	}
	return all, nil
}

func (b *fakeBalancer) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *fakeBalancer) members(pool string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, t := range b.targets[pool] {
		all = append(all, t.Instance)
	}
	return all
}

// fakeLists are access lists in memory.
type fakeLists struct {
	mu      sync.Mutex
	entries map[string][]providers.Entry
	err     error
	sets    int
}

func newFakeLists() *fakeLists { return &fakeLists{entries: map[string][]providers.Entry{}} }

func (l *fakeLists) CheckList(context.Context, string) error { return nil }

func (l *fakeLists) SetEntries(_ context.Context, _ providers.Fence, list string, entries []providers.Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.sets++
	l.entries[list] = slices.Clone(entries)
	return nil
}

func (l *fakeLists) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

func (l *fakeLists) members(list string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, e := range l.entries[list] {
		all = append(all, e.Instance)
	}
	return all
}
