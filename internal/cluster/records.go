package cluster

import (
	"context"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// keepRecords writes what the nodes tell of themselves into the state, when it
// changed. It is the leader's work.
func (n *Node) keepRecords(ctx context.Context) {
	changed, stop := n.peers.Watch()
	defer stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		for _, p := range n.peers.Peers() {
			if !p.Known || sameRecord(n.machine.View().Node(p.ID), p.Record) {
				continue
			}
			err := n.Do(ctx, func(tx *fsm.Tx) error { putRecord(tx, p.Record); return nil })
			if err != nil && ctx.Err() == nil {
				n.log.Warn("could not write a node's record; trying again", "node", p.ID, "error", err)
			}
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func putRecord(tx *fsm.Tx, record autoscaling.Node) {
	have := tx.Node(record.ID)
	if sameRecord(have, record) {
		return
	}
	if have != nil {
		record.Directory, record.Admitted, record.Wish, record.WishReason = have.Directory, have.Admitted, have.Wish, have.WishReason
	}
	record.UpdateTime = tx.Now()
	tx.PutNode(&record)
	tx.Emit(autoscaling.Event{
		Type: autoscaling.EventNodeChanged, Subject: record.ID,
		Message: "node " + record.ID + " tells its addresses and version " + record.Version,
	})
}

func sameRecord(have *autoscaling.Node, told autoscaling.Node) bool {
	if have == nil {
		return false
	}
	return have.Told() == told.Told()
}
