package main

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// countedIDs are enough for a measurement.
type countedIDs struct{ next uint64 }

func (c *countedIDs) UID() autoscaling.UID {
	c.next++
	return autoscaling.UID(fmt.Sprintf("00000000-0000-4000-8000-%012x", c.next))
}

func (c *countedIDs) InstanceID() autoscaling.InstanceID {
	c.next++
	return autoscaling.InstanceID(fmt.Sprintf("i-%017x", c.next))
}

// measureApply is G12: what a follower spends to apply one instance's change of
// state, decoding included, in entries of 256 changes, with 100,000 instances in
// 100 groups in the state.
func measureApply(_ context.Context, o options, _ string, r *report) error {
	const groups, perGroup, batch = 100, 1000, 256
	leader, follower := fsm.NewMachine(), fsm.NewMachine()
	ids := &countedIDs{}
	index := uint64(0)
	commit := func(fn func(*fsm.Tx) error) (time.Duration, error) {
		b := leader.Begin(1, autoscaling.Time(1+index), ids)
		if err := b.Run(fn); err != nil {
			return 0, err
		}
		entry, err := b.Seal()
		if err != nil {
			return 0, err
		}
		index++
		leader.ApplyBatch([]*raft.Log{{Index: index, Term: 1, Data: entry}})
		start := time.Now()
		follower.ApplyBatch([]*raft.Log{{Index: index, Term: 1, Data: entry}})
		return time.Since(start), nil
	}

	var all []*autoscaling.Instance
	for range groups {
		if _, err := commit(func(tx *fsm.Tx) error {
			g := &autoscaling.Group{Meta: autoscaling.Meta{UID: tx.NewUID(), Namespace: "default", ID: fmt.Sprintf("g%d", index)}}
			g.State, g.Max, g.Desired = autoscaling.GroupActive, perGroup, perGroup
			tx.PutGroup(g)
			for range perGroup {
				i := &autoscaling.Instance{
					ID: tx.NewInstanceID(), Group: g.UID, State: autoscaling.PendingProceed, Step: autoscaling.StepCheck, Zone: "a", Provider: "sim",
					MachineID: "m-" + string(tx.NewInstanceID()), Addresses: []string{"10.0.0.1"}, CreateTime: tx.Now(), Deadline: tx.Now() + 1, Version: 1,
					Configuration: g.UID, Activity: 1,
				}
				for _, s := range []autoscaling.InstanceState{autoscaling.Initial, autoscaling.Pending, autoscaling.PendingProceed} {
					i.Timeline = append(i.Timeline, autoscaling.TimelineEntry{State: s, Time: tx.Now()})
				}
				tx.PutInstance(i)
				all = append(all, i)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	var runs []float64
	next := 0
	for range o.repeat {
		var spent time.Duration
		const rounds = 40
		for range rounds {
			d, err := commit(func(tx *fsm.Tx) error {
				for range batch {
					changed := *all[next%len(all)]
					// In and out of service by turns, so that every run does the same.
					if changed.State == autoscaling.PendingProceed {
						changed.State, changed.Step, changed.Deadline, changed.Served = autoscaling.InService, autoscaling.StepNone, 0, true
					} else {
						changed.Revision++
					}
					changed.StateTime = tx.Now()
					tx.PutInstance(&changed)
					all[next%len(all)] = &changed
					next++
				}
				return nil
			})
			if err != nil {
				return err
			}
			spent += d
		}
		runs = append(runs, float64(spent.Nanoseconds())/1000/(rounds*batch))
	}
	r.add(row{Goal: "G12", What: "apply of one instance's change on a follower, decoding included", Unit: "µs", OurRuns: runs, Commit: "≤ 2 µs"}, func(ours, _ float64) bool { return ours <= 2 })
	return nil
}
