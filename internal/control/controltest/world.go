// Package controltest drives the operations in tests: a state machine without
// Raft, a clock that is moved by hand, counted ids, a platform that knows what it
// is told, and a world that answers every step of an instance as a well-behaved
// provider would.
package controltest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// Start is when every world begins.
const Start = autoscaling.Time(1_800_000_000_000_000) // 2027-01-15T08:00:00Z

// World is a cluster's state with time and ids under the test's control.
type World struct {
	Machine  *fsm.Machine
	Ops      control.Operations
	Platform *Platform
	Now      autoscaling.Time

	// LaunchFails says why the instance's machine cannot be made; "" makes it.
	LaunchFails func(*autoscaling.Instance) string
	// ZoneFull are the zones ("a"), or types in a zone ("a/small"), that have no room
	// for another machine.
	ZoneFull map[string]bool

	ids   ids
	index uint64
}

// New is an empty cluster named "test".
func New() *World {
	p := NewPlatform()
	w := &World{Machine: fsm.NewMachine(), Ops: control.Operations{Platform: p}, Platform: p, Now: Start, ZoneFull: map[string]bool{}}
	w.MustDo(func(tx *fsm.Tx) error {
		tx.PutCluster(&autoscaling.Cluster{ID: tx.NewUID(), Name: "test", Incarnation: tx.NewUID(), CreateTime: tx.Now()})
		return nil
	})
	return w
}

// View is the state as it is.
func (w *World) View() fsm.View { return w.Machine.View() }

// Do commits what fn writes; when fn fails, nothing is written.
func (w *World) Do(fn func(*fsm.Tx) error) error {
	b := w.Machine.Begin(1, w.Now, &w.ids)
	err := b.Run(fn)
	if b.Empty() {
		w.Machine.Discard()
		return err
	}
	entry, sealing := b.Seal()
	if sealing != nil {
		return errors.Join(err, sealing)
	}
	w.index++
	if result, ok := w.Machine.Apply(&raft.Log{Index: w.index, Term: 1, Type: raft.LogCommand, Data: entry}).(fsm.Result); !ok || result.Skipped {
		return fmt.Errorf("entry %d was skipped", w.index)
	}
	if broken := w.View().CheckInvariants(); len(broken) > 0 {
		return fmt.Errorf("broken invariants: %s", strings.Join(broken, "; "))
	}
	return err
}

// MustDo is Do for what cannot fail.
func (w *World) MustDo(fn func(*fsm.Tx) error) {
	if err := w.Do(fn); err != nil {
		panic(err)
	}
}

// Advance moves the clock.
func (w *World) Advance(d time.Duration) { w.Now = w.Now.Add(d) }

// Group is a group of the namespace "default" that must be there; the newest one
// of the name when it is DELETED.
func (w *World) Group(id string) *autoscaling.Group {
	if g := w.View().GroupByID("default", id); g != nil {
		return g
	}
	for g := range w.View().DeletedGroups("default", id) {
		return g
	}
	panic("there is no group " + id)
}

// ids counts.
type ids struct{ uids, instances uint64 }

func (c *ids) UID() autoscaling.UID {
	c.uids++
	// Also in the first digits: tokens are made of those.
	return autoscaling.UID(fmt.Sprintf("%08x-0000-4000-8000-%012x", c.uids, c.uids))
}

func (c *ids) InstanceID() autoscaling.InstanceID {
	c.instances++
	return autoscaling.InstanceID(fmt.Sprintf("i-%017x", c.instances))
}

// IDs gives out the world's ids, for those who write without Do.
func (w *World) IDs() fsm.IDs { return &w.ids }
