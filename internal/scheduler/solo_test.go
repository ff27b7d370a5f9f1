package scheduler

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// solo is a cluster of one without Raft: functions are committed one by one.
type solo struct {
	t       testing.TB
	machine *fsm.Machine
	check   bool // invariants after every commit

	mu      sync.Mutex
	ids     countedIDs
	index   uint64
	commits int
	calls   int   // of Do, with or without anything to commit
	refuse  error // what Do answers instead of running
}

func newSolo(t testing.TB) *solo {
	s := &solo{t: t, machine: fsm.NewMachine(), check: true}
	s.must(func(tx *fsm.Tx) error {
		tx.PutCluster(&autoscaling.Cluster{ID: tx.NewUID(), Name: "test", Incarnation: tx.NewUID(), CreateTime: tx.Now()})
		return nil
	})
	return s
}

func (s *solo) View() fsm.View               { return s.machine.View() }
func (s *solo) Subscribe() *fsm.Subscription { return s.machine.Subscribe() }
func (s *solo) Now() autoscaling.Time        { return autoscaling.TimeOf(time.Now()) }

func (s *solo) Do(ctx context.Context, fn func(*fsm.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.refuse != nil {
		return s.refuse
	}
	b := s.machine.Begin(1, s.Now(), &s.ids)
	err := b.Run(fn)
	if b.Empty() {
		s.machine.Discard()
		return err
	}
	entry, sealing := b.Seal()
	if sealing != nil {
		s.t.Errorf("seal: %v", sealing)
		return sealing
	}
	s.index++
	s.commits++
	if result, ok := s.machine.Apply(&raft.Log{Index: s.index, Term: 1, Type: raft.LogCommand, Data: entry}).(fsm.Result); !ok || result.Skipped {
		s.t.Errorf("entry %d was skipped", s.index)
	}
	if s.check {
		if broken := s.View().CheckInvariants(); len(broken) > 0 {
			s.t.Errorf("broken invariants: %s", strings.Join(broken, "; "))
		}
	}
	return err
}

func (s *solo) must(fn func(*fsm.Tx) error) {
	s.t.Helper()
	if err := s.Do(context.Background(), fn); err != nil {
		s.t.Fatal(err)
	}
}

// countedIDs are ids that a test can predict.
type countedIDs struct{ uids, instances uint64 }

func (c *countedIDs) UID() autoscaling.UID {
	c.uids++
	return autoscaling.UID(fmt.Sprintf("00000000-0000-4000-8000-%012x", c.uids))
}

func (c *countedIDs) InstanceID() autoscaling.InstanceID {
	c.instances++
	return autoscaling.InstanceID(fmt.Sprintf("i-%017x", c.instances))
}
