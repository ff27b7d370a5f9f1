package fsm

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
)

// NewDeliveryID is the next number of the cluster. One that no delivery of a
// committed function has is given again.
func (tx *Tx) NewDeliveryID() uint64 {
	tx.b.lastDelivery = max(tx.b.lastDelivery, tx.st.lastDelivery) + 1
	return tx.b.lastDelivery
}

func deliveryKey(target autoscaling.UID, id uint64) key { return key{a: string(target), n: id} }

// PutDelivery panics when the delivery has no number or no target. Of the dead
// ones only autoscaling.MaxDeadLetters are kept: what is beyond is deleted, the
// oldest first.
func (tx *Tx) PutDelivery(d *autoscaling.Delivery) {
	repairTexts(kindDelivery, d)
	st, o := tx.st, tx.st.outbox(d.Target)
	if o == nil || d.ID == 0 {
		panic(fmt.Sprintf("fsm: put delivery %d to target %q, which does not exist", d.ID, d.Target))
	}
	last, prev := st.lastDelivery, tx.Delivery(d.Target, d.ID)
	st.sawDelivery(d.ID)
	st.replaceDelivery(d.Target, prev, d)
	tx.put(kindDelivery, deliveryKey(d.Target, d.ID), d, func() {
		st.replaceDelivery(d.Target, d, prev)
		st.lastDelivery = last
	})
	if d.State != autoscaling.DeliveryDead {
		return
	}
	// Written down as deletes: what a replica forgets is in the log, too.
	for st.outbox(d.Target).dead.len() > autoscaling.MaxDeadLetters {
		oldest, _, _ := st.outbox(d.Target).dead.tree.Min()
		tx.DeleteDelivery(d.Target, oldest)
	}
}

func (tx *Tx) DeleteDelivery(target autoscaling.UID, id uint64) {
	st, prev := tx.st, tx.Delivery(target, id)
	if prev == nil {
		return
	}
	st.replaceDelivery(target, prev, nil)
	tx.remove(kindDelivery, deliveryKey(target, id), func() { st.replaceDelivery(target, nil, prev) })
}
