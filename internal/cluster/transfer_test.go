package cluster_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
)

func TestLeadershipIsTransferredOnRequest(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		for range 4 {
			old, to := c.Leader(), c.Followers()[0]
			c.Write(put("x", to.ID))
			start := time.Now()
			if err := old.TransferLeadership(context.Background(), to.ID); err != nil {
				t.Fatal(err)
			}
			if next := c.Leader(); next != to {
				t.Errorf("%s leads, want %s", next.ID, to.ID)
			}
			if took := time.Since(start); took > 50*time.Millisecond {
				t.Errorf("it took %s", took)
			}
			if got := version(to.View(), "x"); got != to.ID {
				t.Errorf("x is %q", got)
			}
		}
	})
}

func TestATransferThatCannotBeIsRefusedAndChangesNothing(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		leader, f := c.Leader(), c.Followers()[0]
		before, _ := leader.Leader()
		ctx := context.Background()
		wantReason(t, leader.TransferLeadership(ctx, "n9"), autoscaling.NotFound)
		wantReason(t, f.TransferLeadership(ctx, leader.ID), autoscaling.NoLeader)
		c.Kill(f)
		time.Sleep(5 * time.Second)
		wantReason(t, leader.TransferLeadership(ctx, f.ID), autoscaling.WrongState)
		if err := leader.TransferLeadership(ctx, leader.ID); err != nil {
			t.Error(err)
		}
		c.Write(put("x", "1"))
		if after, _ := leader.Leader(); after != before {
			t.Errorf("from %+v to %+v", before, after)
		}
	})
}

func TestWritesAreHeldDuringATransfer(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		leader, f := c.Leader(), c.Followers()[0]
		time.Sleep(time.Second)
		c.Partition(f) // the transfer waits for it, in vain
		time.Sleep(3 * time.Second)
		transferred := make(chan error, 1)
		go func() { transferred <- leader.TransferLeadership(context.Background(), f.ID) }()
		synctest.Wait()
		written := make(chan error, 1)
		go func() { written <- leader.Do(context.Background(), put("x", "1")) }()
		synctest.Wait()
		select {
		case err := <-written:
			t.Errorf("not held: %v", err)
		default:
		}
		wantReason(t, <-transferred, autoscaling.WrongState)
		if err := <-written; err != nil {
			t.Errorf("held and then refused: %v", err)
		}
	})
}

func TestLeadIsCalledOncePerTermAndWaitedFor(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := map[string]int{}, 0 // of one node: another may lead before a deposed one knows
		var terms []uint64
		c := clustertest.New(t, clustertest.Options{Configure: func(cfg *cluster.Config) {
			id := cfg.NodeID
			cfg.Lead = func(ctx context.Context, l cluster.Leadership) error {
				mu.Lock()
				running[id]++
				most = max(most, running[id])
				terms = append(terms, l.Term)
				mu.Unlock()
				<-ctx.Done()
				mu.Lock()
				running[id]--
				mu.Unlock()
				return nil
			}
		}})
		for range 5 {
			to := c.Followers()[0]
			if err := c.Leader().TransferLeadership(context.Background(), to.ID); err != nil {
				t.Fatal(err)
			}
			c.Leader()
			time.Sleep(time.Second)
		}
		c.Stop()
		mu.Lock()
		defer mu.Unlock()
		if most != 1 {
			t.Errorf("%d at once", most)
		}
		for id, left := range running {
			if left != 0 {
				t.Errorf("%d are left on %s", left, id)
			}
		}
		if !slices.IsSorted(terms) || len(slices.Compact(slices.Clone(terms))) != len(terms) || len(terms) < 6 {
			t.Errorf("terms %v", terms)
		}
	})
}

func TestALeaderWhoseWorkFailsHandsOver(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{Configure: func(cfg *cluster.Config) {
			good := cfg.NodeID == "n2"
			cfg.Lead = func(ctx context.Context, _ cluster.Leadership) error {
				if good {
					<-ctx.Done()
					return nil
				}
				return errors.New("takeover failed")
			}
		}})
		c.Eventually("n2 leads", func() bool {
			l, ok := c.Members[1].Leader()
			return ok && l.ID == "n2"
		})
		time.Sleep(time.Minute)
		if l, _ := c.Members[1].Leader(); l.ID != "n2" {
			t.Errorf("%s leads", l.ID)
		}
	})
}
