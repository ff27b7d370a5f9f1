package virtual

import (
	"context"
	"fmt"
	"sync"
)

// gate is what everything passes that leaves a node's process, and what comes
// back to it. Open, it is not there. Held, all that comes waits, whatever its
// context says: a frozen process does not look at the time. Shut, nothing passes
// any more.
type gate struct {
	mu      sync.Mutex
	held    bool
	dead    bool
	changed chan struct{} // closed and replaced
	over    chan struct{} // closed at the end of the world: who still waits may go
}

func (g *gate) init() { g.changed, g.over = make(chan struct{}), make(chan struct{}) }

func (g *gate) set(held, dead bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held, g.dead = held, g.dead || dead
	close(g.changed)
	g.changed = make(chan struct{})
}

func (g *gate) open() { g.set(false, false) }
func (g *gate) hold() { g.set(true, false) }
func (g *gate) shut() { g.set(false, true) }

// pass answers an error when the process is no more; then only once ctx has
// ended, so that nothing is concluded from it.
func (g *gate) pass(ctx context.Context) error {
	_, err := g.wait(ctx)
	return err
}

// wait says whether the caller was held.
func (g *gate) wait(ctx context.Context) (held bool, err error) {
	for {
		g.mu.Lock()
		dead, holds, changed := g.dead, g.held, g.changed
		g.mu.Unlock()
		switch {
		case dead:
			select {
			case <-ctx.Done():
			case <-g.over:
			}
			return held, fmt.Errorf("the process was killed: %w", context.Canceled)
		case !holds:
			return held, nil
		}
		held = true
		<-changed
	}
}
