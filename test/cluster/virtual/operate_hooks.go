package virtual

import (
	"slices"
	"strconv"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// Hook makes a lifecycle hook.
func (w *World) Hook(group, id string, transition autoscaling.Transition, change func(*autoscaling.LifecycleHook)) {
	w.t.Helper()
	h := autoscaling.DefaultLifecycleHook()
	h.Transition = transition
	if change != nil {
		change(&h)
	}
	w.must("create hook "+id, func(tx *fsm.Tx) (string, error) {
		_, err := w.Ops.CreateLifecycleHook(tx, control.CreateLifecycleHookRequest{
			Parent: groupName(group), NewMeta: control.NewMeta{ID: id}, Hook: h,
		})
		return "", err
	})
}

// Actions are the lifecycle actions that instances of a group wait for, as the
// leader knows them.
func (w *World) Actions(group string) []control.PendingAction {
	w.t.Helper()
	v := w.Leader().View()
	g := v.GroupByID("default", group)
	if g == nil {
		return nil
	}
	return slices.Collect(control.PendingActions(v.Reader, g.UID))
}

// Complete ends a wait as its program would, by token; the error is a refusal.
func (w *World) Complete(group string, token autoscaling.UID, result autoscaling.HookResult) error {
	w.t.Helper()
	_, err := w.Request(func(tx *fsm.Tx) (string, error) {
		done, err := w.Ops.CompleteLifecycleAction(tx, control.CompleteLifecycleActionRequest{Group: groupName(group), Token: string(token), Result: result})
		return strconv.Itoa(len(done)), err
	})
	return err
}

// Heartbeat asks for more time for a wait; the error is a refusal.
func (w *World) Heartbeat(group string, token autoscaling.UID) error {
	w.t.Helper()
	_, err := w.Request(func(tx *fsm.Tx) (string, error) {
		_, err := w.Ops.RecordLifecycleActionHeartbeat(tx, control.RecordLifecycleActionHeartbeatRequest{Group: groupName(group), Token: string(token)})
		return "", err
	})
	return err
}
