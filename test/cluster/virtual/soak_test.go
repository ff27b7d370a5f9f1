package virtual

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
	"github.com/asctl/as/internal/scheduler"
)

var (
	soakSeed = flag.Uint64("soak.seed", 0, "the seed of the soak to run; 0: those that always run")
	soakTime = flag.Duration("soak.time", 45*time.Minute, "how long each soak lasts, in virtual time")
)

// TestSoak does what comes to its mind, and lets everything go wrong, for hours;
// every quarter of an hour or so it leaves the world alone and wants all of it to
// be as it should be.
//
// A seed says what is done and what goes wrong, and when; how goroutines are
// scheduled, and Raft's own dice, it does not say. A failure prints the deeds of
// its episode:
//
//	go test -race -tags hashicorpmetrics ./test/cluster/virtual -run TestSoak -soak.seed 7 -soak.time 24h
func TestSoak(t *testing.T) {
	seeds := []uint64{1, 2, 3}
	if *soakSeed != 0 {
		seeds = []uint64{*soakSeed}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) { soak(t, seed) })
		})
	}
}

// soaking is a soak under way.
type soaking struct {
	w    *World
	rng  *rand.Rand
	down string // the node that is killed, frozen or cut off; one at a time
	// outage and lossy are what calls meet.
	outage atomic.Bool
	lossy  atomic.Int64 // percent of the answers that are lost
	dice   atomic.Uint64
	deeds  []string
	// machines counts those that somebody made at the cloud.
	machines int
	notices  notices
}

func soak(t *testing.T, seed uint64) {
	s := &soaking{rng: rand.New(rand.NewPCG(seed, 0))}
	s.w = New(t, Options{
		Pace: 20, Lenient: true,
		Latency: []time.Duration{2 * time.Second, 4 * time.Millisecond, 300 * time.Millisecond}[seed%3],
		Cloud:   sim.Config{LaunchDelay: 2 * time.Second, TerminateDelay: time.Second, ZoneCapacity: map[string]int{"a": 3}},
		// Looks that cost more than they find in hours.
		Limits: scheduler.Limits{ObserveInterval: 5 * time.Second, PoolInterval: 10 * time.Second, WaitInterval: time.Second, UsageInterval: time.Minute},
	})
	s.dice.Store(seed)
	s.w.Refuse(s.refuse)
	s.w.LoseAnswers(s.lose)
	s.w.Configure("app", nil)
	s.notices = notices{url: s.w.Target("ops"), last: map[autoscaling.InstanceID]uint64{}, seen: map[string]bool{}}
	for _, id := range soakGroups {
		s.create(id)
	}
	s.w.Settle(5 * time.Minute)
	defer func() {
		if t.Failed() {
			t.Logf("seed %d, this episode:", seed)
			for _, d := range s.deeds {
				t.Log(d)
			}
		}
	}()
	for end := time.Now().Add(*soakTime); time.Now().Before(end); {
		s.episode()
	}
	t.Logf("%d machines made, %d adopted, %d let go; %d activities, %d waits in hooks, %d notices; %d late calls fenced",
		s.w.Books.Machines(), s.w.Books.Count(Adopted), s.w.Books.Count(Released), len(s.w.story.ends), len(s.w.story.waits), s.notices.read, s.w.Books.Stale())
}

// episode does things for about ten minutes, then mends everything.
func (s *soaking) episode() {
	s.deeds = nil
	type act struct {
		at time.Duration
		do func()
	}
	var acts []act
	for range 10 + s.rng.IntN(20) {
		acts = append(acts, act{s.moment(), s.operation()})
	}
	for range 1 + s.rng.IntN(4) {
		acts = append(acts, act{s.moment(), s.fault()})
	}
	slices.SortStableFunc(acts, func(a, b act) int { return int(a.at - b.at) })
	began := time.Now()
	for _, a := range acts {
		s.w.Advance(max(0, time.Until(began.Add(a.at))))
		a.do()
	}
	s.w.Advance(time.Duration(s.rng.Int64N(int64(time.Minute))))
	s.mend()
	s.w.Settle(45 * time.Minute)
	s.delivered()
}

// moment is when something happens in an episode. Things like to come together.
func (s *soaking) moment() time.Duration {
	at := time.Duration(s.rng.Int64N(int64(10 * time.Minute)))
	if s.rng.IntN(2) == 0 {
		at = at.Truncate(2*time.Minute) + at%(50*time.Millisecond)
	}
	return at
}

// did notes a deed, for the reader of a failure.
func (s *soaking) did(format string, args ...any) {
	s.deeds = append(s.deeds, time.Now().UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// mend ends every fault.
func (s *soaking) mend() {
	s.did("everything is mended")
	s.outage.Store(false)
	s.lossy.Store(0)
	s.w.Cloud.BornBroken(false)
	s.w.Pools.Cure()
	s.receiver(false)
	s.heal()
	for _, m := range s.w.Members {
		s.w.SetClock(m, 0)
	}
	for _, id := range soakGroups {
		s.attempt("resume "+id, func(tx *fsm.Tx) error {
			if _, err := s.w.Ops.ResumeGroup(tx, control.GroupRequest{Name: groupName(id)}); err != nil {
				return err
			}
			_, err := s.w.Ops.ResumeProcesses(tx, control.ProcessesRequest{Name: groupName(id), Processes: soakProcesses})
			return err
		})
		s.calm(id)
	}
}

// heal brings the node back that is down, and the network.
func (s *soaking) heal() {
	s.w.Heal()
	for _, m := range s.w.Members {
		s.w.run(m).gate.open()
	}
	s.w.RestartAll()
	s.down = ""
}

// roll is a number below 100 that goes with the seed but not with the order in
// which goroutines ask.
func (s *soaking) roll() int64 {
	return int64(s.dice.Add(0x9e3779b97f4a7c15) >> 32 * 100 >> 32)
}

func (s *soaking) refuse(c Call) error {
	switch {
	case s.outage.Load() && cloudOps[c.Op]:
		return providers.Errorf(providers.Unavailable, "outage")
	case s.lossy.Load() == 0 || s.roll() >= s.lossy.Load():
		return nil
	}
	switch s.roll() % 4 {
	case 0:
		return &providers.Error{Class: providers.Throttled, Message: "too many calls", RetryAfter: 3 * time.Second}
	case 1:
		return providers.Errorf(providers.Unavailable, "try again")
	case 2:
		if c.Op == Ensure {
			return providers.Errorf(providers.OutOfCapacity, "no room")
		}
	}
	return Unknown(c)
}

func (s *soaking) lose(c Call) error {
	if s.lossy.Load() != 0 && s.roll() < s.lossy.Load() {
		return Unknown(c)
	}
	return nil
}
