package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// RecordLifecycleActionHeartbeatRequest asks for more time; it names the actions
// as CompleteLifecycleActionRequest does.
type RecordLifecycleActionHeartbeatRequest struct {
	Caller
	Group    GroupName
	Token    string
	Instance string // id or uid
	Hook     string // id or uid
	Activity string // number or uid
}

// RecordLifecycleActionHeartbeat moves deadlines to heartbeat_timeout from now,
// never beyond the last one. It answers the actions whose deadline is that now.
// An action that can wait no longer is refused; of several, those are left out.
func (o Operations) RecordLifecycleActionHeartbeat(tx *fsm.Tx, req RecordLifecycleActionHeartbeatRequest) ([]PendingAction, error) {
	_, found, err := actionAddress{req.Group, req.Token, req.Instance, req.Hook, req.Activity}.find(tx)
	if err != nil {
		return nil, err
	}
	var moved []PendingAction
	for _, f := range found {
		if w := &f.instance.Waits[f.wait]; w.Deadline < w.LastDeadline {
			moved = append(moved, postpone(tx, f, req.Caller.name()))
		}
	}
	if len(moved) == 0 {
		w := &found[0].instance.Waits[found[0].wait]
		return nil, autoscaling.Errorf(autoscaling.WrongState, "hook %s of instance %s waits until %s, and no heartbeat makes it wait longer",
			w.Hook, found[0].instance.ID, w.LastDeadline)
	}
	return moved, nil
}

func postpone(tx *fsm.Tx, f addressed, by string) PendingAction {
	c := *f.instance
	ownWaits(&c)
	w := &c.Waits[f.wait]
	w.Deadline = min(tx.Now().Add(w.HeartbeatTimeout), w.LastDeadline)
	c.Deadline = earliestWait(&c)
	put(tx, &c)
	e := instanceEvent(tx, &c, autoscaling.EventHookHeartbeat, fmt.Sprintf("%s: hook %s waits until %s", by, w.Hook, w.Deadline))
	e.Subject = w.Hook
	e.Details = details("token", string(w.Token), "hook", w.Hook, "deadline", w.Deadline.String())
	tx.Emit(e)
	return actionOf(&c, f.wait)
}
