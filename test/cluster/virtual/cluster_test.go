package virtual

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/clustertest"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers/compute/sim"
)

// term is the term as a node knows it.
func term(m *clustertest.Member) uint64 {
	l, _ := m.Node.Leader()
	return l.Term
}

// TestOneBrokenLinkCausesNoElection breaks the link between the leader and one
// follower, in each way in which it can be broken.
func TestOneBrokenLinkCausesNoElection(t *testing.T) {
	for name, breakLink := range map[string]func(n *clustertest.Network, leader, follower string){
		"the follower is refused": func(n *clustertest.Network, l, f string) { n.Break(f, l) },
		"the leader is refused":   func(n *clustertest.Network, l, f string) { n.Break(l, f) },
		"both are refused":        func(n *clustertest.Network, l, f string) { n.Break(l, f); n.Break(f, l) },
		"the cable is out":        func(n *clustertest.Network, l, f string) { n.Cut(l, f) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{}, func(t *testing.T, w *World) {
				w.Group("web", 2, nil)
				w.Settle(time.Minute)
				leader, follower := w.Leader(), w.follower()
				before := term(leader)
				breakLink(w.Network, leader.ID, follower.ID)
				a := w.SetDesired("web", 4)
				w.Advance(15 * time.Second)
				if w.Leader() != leader || term(leader) != before {
					t.Errorf("term %d became %d", before, term(w.Leader()))
				}
				if a = w.Activity(a.ID); a.Status != autoscaling.ActivitySuccessful {
					t.Errorf("activity %+v", a)
				}
				w.Heal()
				w.Settle(time.Minute)
				if term(w.Leader()) != before {
					t.Errorf("term %d became %d when it was healed", before, term(w.Leader()))
				}
			})
		})
	}
}

// TestAllNodesRestartAtOnce in the middle of launches, drains and stops, with a
// task ahead.
func TestAllNodesRestartAtOnce(t *testing.T) {
	for _, down := range []time.Duration{0, 20 * time.Second} {
		t.Run(fmt.Sprintf("down for %s", down), func(t *testing.T) {
			cloud := sim.Config{LaunchDelay: 8 * time.Second, TerminateDelay: 3 * time.Second}
			inWorld(t, Options{Cloud: cloud, DrainTime: 6 * time.Second, Lenient: down > 10*time.Second}, func(t *testing.T, w *World) {
				w.Group("web", 3, nil)
				w.Group("api", 3, func(s *autoscaling.GroupSpec) { s.Balancers[0].Pool = "api" })
				w.Settle(time.Minute)
				w.Rule("web", "more", 1)
				at := time.Now().Add(time.Minute)
				w.taskAt("web", "soon", at)
				for n := range 5 {
					out, in := w.SetDesired("web", int32(5-n%2)), w.SetDesired("api", int32(1+n%2))
					w.Advance(time.Duration(n)*2*time.Second + 50*time.Millisecond)
					for _, m := range w.Members {
						w.Kill(m)
					}
					w.Advance(down)
					for _, m := range w.Members {
						w.Restart(m)
					}
					w.Within(2*time.Minute, "both activities end", func() bool {
						return w.Activity(out.ID).EndTime != 0 && w.Activity(in.ID).EndTime != 0
					})
				}
				w.Advance(max(0, time.Until(at)))
				w.Within(time.Minute, "the task ran", func() bool { // it is tried again while the group is busy
					runs := w.outcomes("soon")
					return len(runs) == 1 && runs[0] == "RUN"
				})
				w.Settle(time.Minute)
			})
		})
	}
}

// TestTheSameRequestFiveTimesAcrossALeaderChange: one activity, five equal
// answers.
func TestTheSameRequestFiveTimesAcrossALeaderChange(t *testing.T) {
	inWorld(t, Options{}, func(t *testing.T, w *World) {
		w.Group("web", 1, nil)
		w.Rule("web", "more", 1)
		w.Settle(time.Minute)
		execute := func(tx *fsm.Tx) (string, error) {
			a, err := w.Ops.ExecuteRule(tx, control.ExecuteRuleRequest{Name: control.ChildName{Namespace: "default", Group: "web", ID: "more"}})
			if err != nil {
				return "", err
			}
			return a.ID.String(), nil
		}
		leader := w.Leader()
		wire := w.OnEvent(leader, afterEvent(autoscaling.EventActivityStarted).event, w.Cutting(leader))
		answers := make([]string, 5)
		var clients sync.WaitGroup
		for n := range answers {
			clients.Go(func() {
				w.Advance(time.Duration(n) * 100 * time.Millisecond)
				w.comes(patience, func() bool {
					m := w.leader()
					if m == nil {
						return false
					}
					var err error
					answers[n], err = w.RequestAt(m, "the-same", execute)
					return err == nil
				})
			})
		}
		<-wire.Tripped
		w.Within(time.Minute, "another node leads", func() bool { return w.Leader() != leader })
		clients.Wait()
		w.Thaw(leader)
		w.Settle(time.Minute)
		id, _ := strconv.ParseUint(answers[0], 10, 64)
		for _, answer := range answers {
			if answer != answers[0] || id == 0 {
				t.Fatalf("answers %v", answers)
			}
		}
		started := 0
		for e := range w.Leader().View().Events(0) {
			if e.Type == autoscaling.EventActivityStarted && e.Details["trigger"] == string(autoscaling.TriggerCustom) {
				started++
			}
		}
		if started != 1 || len(w.Instances("web")) != 2 {
			t.Errorf("%d activities and %d instances", started, len(w.Instances("web")))
		}
	})
}

// TestANodeThatWasAwayGetsASnapshot: the log that it misses is gone. Then all
// nodes start from their snapshots.
func TestANodeThatWasAwayGetsASnapshot(t *testing.T) {
	inWorld(t, Options{Pace: 4}, func(t *testing.T, w *World) {
		w.Group("web", 3, nil)
		w.Settle(time.Minute)
		away := w.follower()
		w.Kill(away)
		leader := w.Leader()
		log := w.storage[away.ID].Logs
		last, err := log.LastIndex()
		if err != nil {
			t.Fatal(err)
		}
		for n := range 4096 { // Raft's threshold for a snapshot; it keeps the half of that
			if _, err := w.RequestAt(leader, fmt.Sprintf("filler-%d", n), func(*fsm.Tx) (string, error) { return "", nil }); err != nil {
				t.Fatal(err)
			}
		}
		w.Advance(2 * time.Minute) // snapshots are taken now and then
		a := w.SetDesired("web", 5)
		w.Settle(time.Minute)
		w.Restart(away)
		w.Audit()
		if err := log.GetLog(last+1024, &raft.Log{}); err != raft.ErrLogNotFound {
			t.Errorf("it was told what was truncated (%v): no snapshot was installed, the test is not what it says", err)
		}
		for _, m := range w.Members {
			w.Kill(m)
		}
		w.RestartAll()
		w.Settle(time.Minute)
		if got := w.Activity(a.ID); got.Status != autoscaling.ActivitySuccessful {
			t.Errorf("activity %+v", got)
		}
		w.lead(w.Member(away.ID))
		w.SetDesired("web", 1)
		w.Settle(time.Minute)
	})
}
