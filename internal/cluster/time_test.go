package cluster_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
	"github.com/asctl/as/internal/fsm"
)

// wallClocks are the wall clocks of a cluster's nodes, which can be set.
type wallClocks [5]atomic.Int64

// set has the clocks of these nodes ahead by d.
func (w *wallClocks) set(d time.Duration, nodes ...int) {
	for _, n := range nodes {
		w[n-1].Store(int64(d))
	}
}

func (w *wallClocks) configure(cfg *cluster.Config) {
	var number int
	fmt.Sscanf(cfg.NodeID, "n%d", &number)
	cfg.Clock = func() time.Time { return time.Now().Add(time.Duration(w[number-1].Load())) }
}

// stampOf is the time that a change gets now.
func stampOf(c *clustertest.Cluster) autoscaling.Time {
	var now autoscaling.Time
	c.Write(func(tx *fsm.Tx) error { now = tx.Now(); return put("x", now.String())(tx) })
	return now
}

// wantRightTime fails the test unless changes are stamped with the true time.
func wantRightTime(t *testing.T, c *clustertest.Cluster, what string) {
	t.Helper()
	if off := stampOf(c).Std().Sub(time.Now()); off.Abs() > time.Second {
		t.Errorf("%s: time is off by %s", what, off)
	}
}

// B2, B12: clocks that are wrong for a moment, a minority of them, a majority or
// all, do not lead time away, whoever leads meanwhile.
func TestClocksThatAreWrongForAMomentLeaveNoTrace(t *testing.T) {
	for name, w := range map[string]struct {
		nodes int
		wrong []int
		step  time.Duration
		hold  time.Duration
	}{
		"two of three by two hours for 20 s": {3, []int{1, 2}, 2 * time.Hour, 20 * time.Second},
		"all three by ten days for 8 s":      {3, []int{1, 2, 3}, 10 * 24 * time.Hour, 8 * time.Second},
		"the only one by ten years for 2 s":  {1, []int{1}, 10 * 365 * 24 * time.Hour, 2 * time.Second},
		"one of three by ten years for long": {3, []int{1}, 10 * 365 * 24 * time.Hour, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				var walls wallClocks
				c := clustertest.New(t, clustertest.Options{Nodes: w.nodes, Configure: walls.configure})
				wantRightTime(t, c, "at first")
				time.Sleep(2 * time.Second)
				walls.set(w.step, w.wrong...)
				end := time.Now().Add(w.hold)
				for n := 0; time.Now().Before(end); n++ {
					wantRightTime(t, c, "while they are wrong")
					if w.nodes > 1 && n%4 == 3 {
						_ = c.Leader().TransferLeadership(context.Background(), "")
					}
					time.Sleep(w.hold / 20)
				}
				walls.set(0, w.wrong...)
				wantRightTime(t, c, "when they are right again")
				for _, m := range c.Members {
					c.Restart(m)
				}
				wantRightTime(t, c, "after a restart")
			})
		})
	}
}

// B2: a node that starts with its clock ten years ahead, alone or not.
func TestANodeThatStartsInAnotherYearDoesNotLeadTimeAway(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		bubble.Test(t, func(t *testing.T) {
			var walls wallClocks
			c := clustertest.New(t, clustertest.Options{Nodes: nodes, Configure: walls.configure})
			wantRightTime(t, c, "at first")
			for _, m := range c.Members {
				c.Shutdown(m)
			}
			walls.set(10*365*24*time.Hour, 1)
			for _, m := range c.Members {
				c.Start(m)
			}
			c.Leader()
			time.Sleep(2 * time.Second)
			wantRightTime(t, c, "while it is wrong")
			walls.set(0, 1)
			wantRightTime(t, c, "when it is right")
		})
	}
}

func TestAClusterThatWasOffForDaysComesToThePresentAtOnce(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		bubble.Test(t, func(t *testing.T) {
			c := clustertest.New(t, clustertest.Options{Nodes: nodes})
			wantRightTime(t, c, "at first")
			for _, m := range c.Members {
				c.Shutdown(m)
			}
			time.Sleep(5 * 24 * time.Hour)
			for _, m := range c.Members {
				c.Start(m)
			}
			wantRightTime(t, c, "after five days")
		})
	}
}

// C7: a cluster that is founded by the node whose clock is behind.
func TestAFreshClusterIsStampedWithTheMiddleClock(t *testing.T) {
	founders := 0
	for range 6 {
		bubble.Test(t, func(t *testing.T) {
			var walls wallClocks
			walls.set(-2*time.Hour, 1)
			c := clustertest.New(t, clustertest.Options{Configure: walls.configure})
			leader := c.Leader()
			if leader.ID == "n1" {
				founders++
			}
			c.Eventually("the cluster has a record", func() bool { return leader.View().Cluster() != nil })
			if off := leader.View().Cluster().CreateTime.Std().Sub(time.Now()); off.Abs() > 2*time.Second {
				t.Errorf("%s founded it at a time that is off by %s", leader.ID, off)
			}
			wantRightTime(t, c, "at first")
		})
	}
	if founders == 0 {
		t.Log("the node that is behind founded none of them")
	}
}

// What cannot be put right by itself is told.
func TestTimeThatIsAheadOfTheClocksIsReported(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var walls wallClocks
		walls.set(2*time.Hour, 1, 2, 3)
		c := clustertest.New(t, clustertest.Options{Configure: walls.configure})
		stampOf(c)
		walls.set(0, 1, 2, 3)
		time.Sleep(2 * time.Second)
		stampOf(c)
		c.WaitApplied()
		for _, m := range c.Members {
			s := m.Status()
			if text := strings.Join(s.Warnings, "\n"); !strings.Contains(text, "the cluster's time is 2h0m0s ahead") || s.TimeAhead < time.Hour {
				t.Errorf("%s is %s ahead and warns %q", m.ID, s.TimeAhead, s.Warnings)
			}
		}
	})
}

// setTime sets it as the API does.
func setTime(c *clustertest.Cluster, force bool) error {
	_, _, err := c.Leader().SetTime(context.Background(), cluster.TimeSetting{Force: force, Set: func(tx *fsm.Tx, now autoscaling.Time) {
		tx.SetTime(now)
		tx.Emit(autoscaling.Event{Type: autoscaling.EventTimeSet})
	}})
	return err
}

// Time that went astray is set back on every node, for every leader, and after
// restarts. The leader's work begins anew.
func TestTimeIsSetBack(t *testing.T) {
	for _, nodes := range []int{1, 3} {
		bubble.Test(t, func(t *testing.T) {
			var walls wallClocks
			var began atomic.Int64
			walls.set(10*365*24*time.Hour, 1, 2, 3)
			c := clustertest.New(t, clustertest.Options{Nodes: nodes, Configure: func(cfg *cluster.Config) {
				walls.configure(cfg)
				cfg.Lead = func(ctx context.Context, _ cluster.Leadership) error { began.Add(1); <-ctx.Done(); return nil }
			}})
			stampOf(c)
			walls.set(0, 1, 2, 3)
			time.Sleep(2 * time.Second)
			if off := stampOf(c).Std().Sub(time.Now()); off < 24*time.Hour {
				t.Fatalf("time is off by %s only", off)
			}
			works := began.Load()
			var writers, wrong atomic.Int64
			stop := make(chan struct{})
			for range 4 { // functions are written all the while
				writers.Add(1)
				go func() {
					defer writers.Add(-1)
					for {
						select {
						case <-stop:
							return
						default:
						}
						sets, now := uint64(0), autoscaling.Time(0)
						if c.Leader().Do(context.Background(), func(tx *fsm.Tx) error { sets, now = tx.TimeSets(), tx.Now(); return put("w", now.String())(tx) }) == nil &&
							sets > 0 && now.Std().Sub(time.Now()).Abs() > time.Second {
							wrong.Add(1)
						}
						time.Sleep(100 * time.Microsecond)
					}
				}()
			}
			time.Sleep(10 * time.Millisecond)
			if err := setTime(c, false); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
			close(stop)
			c.Eventually("the writers end", func() bool { return writers.Load() == 0 })
			if wrong.Load() > 0 {
				t.Errorf("%d changes after the setting have the time of before", wrong.Load())
			}
			wantRightTime(t, c, "when it is set")
			if began.Load() != works+1 {
				t.Error("the leader's work did not begin anew")
			}
			c.WaitApplied()
			for _, m := range c.Members {
				if off := m.Now().Std().Sub(time.Now()); off.Abs() > time.Second || len(m.Status().Warnings) > 0 {
					t.Errorf("%s is off by %s, warnings %q", m.ID, off, m.Status().Warnings)
				}
			}
			if nodes > 1 {
				if err := c.Leader().TransferLeadership(context.Background(), ""); err != nil {
					t.Fatal(err)
				}
				wantRightTime(t, c, "with the next leader")
			}
			for _, m := range c.Members {
				c.Restart(m)
			}
			wantRightTime(t, c, "after a restart")
			c.EnsureSame()
		})
	}
}

func TestTimeIsNotSetWhileTheClocksOfAMajorityDisagree(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var walls wallClocks
		walls.set(10*time.Hour, 1, 2, 3)
		c := clustertest.New(t, clustertest.Options{Configure: walls.configure})
		stampOf(c)
		walls.set(0, 1)
		walls.set(3*time.Hour, 2)
		walls.set(6*time.Hour, 3)
		time.Sleep(5 * time.Second)
		err := setTime(c, false)
		if err == nil || !strings.Contains(err.Error(), "do not agree within 1s") || !strings.Contains(err.Error(), "3h0m0s") {
			t.Fatal(err)
		}
		if err := setTime(c, true); err != nil {
			t.Fatal(err)
		}
		if off := stampOf(c).Std().Sub(time.Now()); (off - 3*time.Hour).Abs() > time.Second {
			t.Errorf("it is off by %s, want the middle clock's 3 h", off)
		}
	})
}
