package virtual

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
)

// TestNobodyKnowsWhatCameOfACall loses the answers to calls, or the calls
// themselves, of each kind: unknown is never taken for failed, nor for done.
func TestNobodyKnowsWhatCameOfACall(t *testing.T) {
	for _, op := range []Op{Ensure, Start, Stop, Remove, List, SetEntries, SetTargets, Status} {
		for name, lose := range map[string]func(*World, func(Call) error){
			"answer of ": (*World).LoseAnswers, "call to ": (*World).Refuse,
		} {
			t.Run(name+string(op), func(t *testing.T) {
				bubble.Test(t, func(t *testing.T) { lost(t, op, lose) })
			})
		}
	}
}

func lost(t *testing.T, op Op, lose func(*World, func(Call) error)) {
	w := New(t, Options{})
	w.Configure("app", nil)
	w.Group("web", 1, nil)
	w.Settle(time.Minute)
	var left atomic.Int32
	lose(w, func(c Call) error {
		if c.Op == op && left.Add(-1) >= 0 {
			return Unknown(c)
		}
		return nil
	})
	for _, to := range []int32{3, 1} {
		left.Store(3)
		a := w.SetDesired("web", to)
		w.Settle(2 * time.Minute)
		if a = w.Activity(a.ID); a.Status != autoscaling.ActivitySuccessful {
			t.Errorf("activity to %d is %s: %+v", to, a.Status, a.Outcomes)
		}
	}
	if n := w.Books.Machines(); n != 3 {
		t.Errorf("%d machines were made for 3 intents", n)
	}
}

// TestALateCallOfADeposedLeaderIsFenced freezes the leader while its calls are
// on their way, lets its successor launch the group and remove it again, and
// only then lets the calls arrive.
func TestALateCallOfADeposedLeaderIsFenced(t *testing.T) {
	for _, op := range []Op{Ensure, Start, SetEntries, SetTargets} {
		t.Run(string(op), func(t *testing.T) {
			inWorld(t, Options{}, func(t *testing.T, w *World) {
				w.Group("web", 0, nil)
				w.Settle(time.Minute)
				old := w.Leader()
				freeze := w.Cutting(old)
				var frozen atomic.Bool
				w.Refuse(func(c Call) error { // on its way: it has no effect yet
					if c.Node == old.ID && c.Op == op && frozen.CompareAndSwap(false, true) {
						freeze()
					}
					return nil
				})
				w.SetDesired("web", 2)
				w.Within(time.Minute, "the leader is frozen", frozen.Load)
				w.Within(time.Minute, "another node leads", func() bool { return w.Leader() != old })
				w.Rest(2 * time.Minute)
				w.SetDesired("web", 0)
				w.Rest(2 * time.Minute)
				before := w.Books.Stale()
				w.Thaw(old)
				w.Advance(5 * time.Second)
				if w.Books.Stale() == before {
					t.Error("no late call was refused")
				}
				w.Settle(2 * time.Minute)
				if n := len(w.machines()); n != 0 {
					t.Errorf("%d machines are there", n)
				}
			})
		})
	}
}
