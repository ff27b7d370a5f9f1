package cluster_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster/clustertest"
)

// A caller that asks for a transfer again and again changes the leader five times
// and then once in 5 s, whichever nodes lead.
func TestTransfersOnRequestAreLimitedInTheWholeCluster(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		before, _ := c.Leader().Leader()
		accepted, refused := 0, 0
		const seconds = 60
		for end := time.Now().Add(seconds * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			err := c.Leader().TransferOnRequest(context.Background(), "")
			var no *autoscaling.Error
			switch {
			case err == nil:
				accepted++
			case errors.As(err, &no) && no.Reason == autoscaling.LimitExceeded:
				refused++
				if no.RetryAfter <= 0 || no.RetryAfter > 5*time.Second {
					t.Fatalf("try again in %s", no.RetryAfter)
				}
			}
		}
		// Each node begins with a budget of its own, and learns of the others' transfers.
		if accepted < seconds/5 || accepted > seconds/5+2*5 || refused == 0 {
			t.Errorf("%d accepted, %d refused", accepted, refused)
		}
		after, _ := c.Leader().Leader()
		if after.Term-before.Term != uint64(accepted) {
			t.Errorf("%d terms for %d transfers", after.Term-before.Term, accepted)
		}
		for range 20 { // its own hand-overs are not limited
			if err := c.Leader().TransferLeadership(context.Background(), ""); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// The refusal says when to come back, and then the transfer is accepted.
func TestARefusedTransferIsAcceptedWhenItSaid(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		c := clustertest.New(t, clustertest.Options{})
		for tries := 0; ; tries++ {
			err := c.Leader().TransferOnRequest(context.Background(), "")
			var no *autoscaling.Error
			if err == nil && tries < 50 {
				continue
			}
			if !errors.As(err, &no) || no.Reason != autoscaling.LimitExceeded {
				t.Fatalf("%d tries: %v", tries, err)
			}
			time.Sleep(no.RetryAfter)
			if err := c.Leader().TransferOnRequest(context.Background(), ""); err != nil {
				t.Error(err)
			}
			return
		}
	})
}

// A node that is alone refuses at once: no write waits for it, and no budget is used.
func TestATransferWithoutASuccessorHoldsNoWrite(t *testing.T) {
	for name, nodes := range map[string]int{"a single node": 1, "the other is cut off": 3} {
		t.Run(name, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				c := clustertest.New(t, clustertest.Options{Nodes: nodes})
				leader, to := c.Leader(), ""
				if nodes > 1 {
					f := c.Followers()[0]
					to = f.ID
					c.Partition(f)
					time.Sleep(5 * time.Second)
				}
				for range 20 {
					start := time.Now()
					wantReason(t, leader.TransferOnRequest(context.Background(), to), autoscaling.WrongState)
					if took := time.Since(start); took != 0 {
						t.Fatalf("it took %s", took)
					}
				}
				if err := leader.TransferOnRequest(context.Background(), leader.ID); err != nil {
					t.Error(err)
				}
				c.Write(put("x", "1"))
			})
		})
	}
}
