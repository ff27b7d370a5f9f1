package main

import (
	"sync"
	"time"
)

// gapMeter keeps the longest time between two accepted writes.
type gapMeter struct {
	mu   sync.Mutex
	last time.Time
	gap  time.Duration
}

func (g *gapMeter) accepted() {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if !g.last.IsZero() {
		g.gap = max(g.gap, now.Sub(g.last))
	}
	g.last = now
}

func (g *gapMeter) reset() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gap = 0
}

// longest counts a gap that has not ended yet, too.
func (g *gapMeter) longest() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(g.gap, time.Since(g.last))
}
