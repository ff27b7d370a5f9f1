package plan_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/scheduler/plan"
)

var (
	seedFlag  = flag.Uint64("sim.seed", 0, "run the simulation with this seed only")
	stepsFlag = flag.Int("sim.steps", 12_000, "steps of each seed")
)

// Each seed is a run of its own; together they take more than 100,000 steps.
const simulatedSeeds = 10

// TestSimulation runs state, control and plan against a provider, a list and a
// pool that fail, lie about nothing but answer late or never, while people change
// the groups and leaders change. What must always hold is checked after each step;
// what must hold in the end, after the faults have ended. Replay a seed with
// -sim.seed.
func TestSimulation(t *testing.T) {
	seeds := make([]uint64, simulatedSeeds)
	for n := range seeds {
		seeds[n] = uint64(n + 1)
	}
	if *seedFlag != 0 {
		seeds = []uint64{*seedFlag}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			s := newSimulation(t, seed)
			for range 3 {
				s.createGroup()
			}
			for range *stepsFlag {
				s.step()
			}
			s.rest()
		})
	}
}

// judge is a test, or a property's draw.
type judge interface {
	Helper()
	Log(args ...any)
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// simulation is a cluster without Raft and the world around it, in virtual time.
type simulation struct {
	t       judge
	rng     *rand.Rand
	machine *fsm.Machine
	ops     control.Operations
	now     autoscaling.Time
	ids     ids
	index   uint64
	steps   int
	trace   []string

	cloud  *cloud
	list   *guarded
	pool   *guarded
	late   []func() // calls of which nobody waits for the answer any more
	leader *leader
	term   uint64
	calm   bool          // no more faults
	check  func()        // after every change
	old    time.Duration // lifetimes are one to ten times as long
	// unhealthy: the pool finds nobody well.
	unhealthy bool
	heard     uint64                   // the newest event that was looked at
	ended     map[autoscaling.UID]bool // hooks' tokens
	unproven  map[autoscaling.UID]int32
	wanted    int // launches that people asked for
	born      int // groups
	// leftList are groups that people once took out of the list.
	leftList map[autoscaling.UID]bool
	used     map[autoscaling.UID]int32 // of the runaway bound, when it was looked at last
}

func newSimulation(t judge, seed uint64) *simulation {
	s := &simulation{
		t: t, rng: rand.New(rand.NewPCG(seed, 42)), machine: fsm.NewMachine(),
		ops: control.Operations{Platform: controltest.NewPlatform()}, now: controltest.Start,
		cloud: newCloud(), list: newGuarded(), pool: newGuarded(), leftList: map[autoscaling.UID]bool{}, ended: map[autoscaling.UID]bool{}, unproven: map[autoscaling.UID]int32{}, used: map[autoscaling.UID]int32{},
	}
	s.cloud.started, s.cloud.stopping, s.cloud.ending = s.onStart, s.onStop, s.onEnd
	s.check, s.old = s.checkState, time.Minute
	s.do("bootstrap", func(tx *fsm.Tx) error {
		tx.PutCluster(&autoscaling.Cluster{ID: tx.NewUID(), Name: "test", Incarnation: tx.NewUID(), CreateTime: tx.Now()})
		_, _, err := s.ops.CreateConfiguration(tx, control.CreateConfigurationRequest{
			Namespace: "default", NewMeta: control.NewMeta{ID: "app"}, Template: autoscaling.Template{Provider: "sim", Ports: []int32{80}},
		})
		return err
	})
	s.lead()
	return s
}

func (s *simulation) view() fsm.View { return s.machine.View() }

func (s *simulation) chance(percent int) bool { return !s.calm && s.rng.IntN(100) < percent }

func (s *simulation) note(format string, args ...any) {
	if len(s.trace) > 400 {
		s.trace = slices.Delete(s.trace, 0, 200)
	}
	s.trace = append(s.trace, fmt.Sprintf("%d %s ", s.steps, time.Duration(s.now-controltest.Start)*time.Microsecond)+fmt.Sprintf(format, args...))
}

func (s *simulation) fail(format string, args ...any) {
	s.t.Helper()
	for _, line := range s.trace {
		s.t.Log(line)
	}
	for g := range s.view().Groups("") {
		s.t.Logf("%s %s min %d desired %d max %d suspended %v converging %d failures %d: %v", g.ID, g.State, g.Min, g.Desired, g.Max, g.Suspended, g.Converging, g.LaunchFailures, g.Conditions)
		for i := range s.view().Instances(g.UID) {
			s.t.Logf("  %s %s %s activity %d leaving %d deadline %d %v %v %v: %s", i.ID, i.State, i.Step, i.Activity, i.Leaving, i.Deadline-s.now, i.Health, i.AccessLists, i.Balancers, i.StatusReason)
		}
	}
	s.t.Fatalf("step %d: "+format, append([]any{s.steps}, args...)...)
}

// do commits what fn writes. A recorded error of a caller is fine; anything else
// is a failure of ours.
func (s *simulation) do(what string, fn func(*fsm.Tx) error) bool {
	s.t.Helper()
	b := s.machine.Begin(1, s.now, &s.ids)
	err := b.Run(fn)
	if err != nil {
		if _, refused := errors.AsType[*autoscaling.Error](err); !refused {
			s.fail("%s: %v", what, err)
		}
	}
	if b.Empty() {
		s.machine.Discard()
		return false
	}
	entry, err := b.Seal()
	if err != nil {
		s.fail("%s: seal: %v", what, err)
	}
	s.index++
	if r, ok := s.machine.Apply(&raft.Log{Index: s.index, Term: 1, Type: raft.LogCommand, Data: entry}).(fsm.Result); !ok || r.Skipped {
		s.fail("%s: entry was skipped", what)
	}
	s.note("%s", what)
	s.check()
	return true
}

// step does one thing at random.
func (s *simulation) step() {
	s.steps++
	switch n := s.rng.IntN(1000); {
	case n < 250:
		s.pass(s.anyGroup())
	case n < 550:
		s.progress()
	case n < 720:
		s.writeFacts()
	case n < 770:
		s.startListing()
	case n < 820:
		s.compareListing()
	case n < 870:
		s.poolStatus()
	case n < 950:
		s.pause()
	case n < 963:
		s.someLate()
	case n < 972:
		s.program()
	case n < 985:
		s.person()
	case n < 992:
		s.crash()
	case n < 996:
		s.toggleFaults()
	case n < 998:
		s.lead()
	default:
		s.decideTwice(s.anyGroup())
	}
}

func (s *simulation) pause() {
	d := time.Duration(s.rng.IntN(2000)) * time.Millisecond
	if s.rng.IntN(20) == 0 {
		d *= 30
	}
	s.now = s.now.Add(d)
}

func (s *simulation) groups() []*autoscaling.Group { return slices.Collect(s.view().Groups("")) }

func (s *simulation) anyGroup() *autoscaling.Group {
	all := s.groups()
	if len(all) == 0 {
		return nil
	}
	return all[s.rng.IntN(len(all))]
}

func (s *simulation) anyInstance() *autoscaling.Instance {
	g := s.anyGroup()
	if g == nil {
		return nil
	}
	all := slices.Collect(s.view().Instances(g.UID))
	if len(all) == 0 {
		return nil
	}
	return all[s.rng.IntN(len(all))]
}

// decideTwice: what is decided is decided; a second look writes nothing.
func (s *simulation) decideTwice(g *autoscaling.Group) {
	if g == nil {
		return
	}
	decide := func(tx *fsm.Tx) error { return plan.Decide(tx, s.ops, g.UID, plan.Hold{}) }
	s.do("decide", decide)
	if s.do("decide twice", decide) {
		s.fail("deciding twice changed something")
	}
}
