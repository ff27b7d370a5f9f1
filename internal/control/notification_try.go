package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// TestNotificationTarget sends a message that means nothing, also to a target
// that is disabled. It answers the delivery: when it is no more, the target has
// taken it; otherwise its LastError says why not. After autoscaling.TestPatience
// it is a dead letter.
func (o Operations) TestNotificationTarget(tx *fsm.Tx, req TestNotificationTargetRequest) (*autoscaling.Delivery, error) {
	t, err := FindNotificationTarget(tx.Reader, req.Name)
	if err != nil {
		return nil, err
	}
	if n := pendingTests(tx, t.UID); n >= autoscaling.MaxPendingTests {
		err := autoscaling.Errorf(autoscaling.LimitExceeded, "%d tests are on their way to notification target %s, as many as there may be", n, t.ID)
		err.Resource = targetResource(t)
		return nil, err
	}
	d := &autoscaling.Delivery{
		Target: t.UID, ID: tx.NewDeliveryID(), State: autoscaling.DeliveryPending,
		Namespace: t.Namespace, EventType: autoscaling.EventNotificationTest, EventTime: tx.Now(),
		Subject: t.ID, Message: req.name() + " tests notification target " + t.ID,
		GiveUp: tx.Now().Add(autoscaling.TestPatience),
	}
	tx.PutDelivery(d)
	return d, nil
}

func pendingTests(tx *fsm.Tx, target autoscaling.UID) int {
	n := 0
	for range tx.LaneDeliveries(target, "", "") {
		n++
	}
	return n
}
