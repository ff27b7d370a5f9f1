package control

import (
	"fmt"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// CompleteLifecycleActionRequest says how those go on who wait for a hook: that
// of the token; or the instance in the hook; or all instances in the hook that
// the activity moves.
type CompleteLifecycleActionRequest struct {
	Caller
	Group    GroupName
	Token    string
	Instance string // id or uid
	Hook     string // id or uid
	Activity string // number or uid
	Result   autoscaling.HookResult
}

// CompleteLifecycleAction ends waits with a result. The last CONTINUE lets an
// instance go on; the first ABANDON, or ROLLBACK, ends its other waits as well.
// It answers the actions that were completed.
func (o Operations) CompleteLifecycleAction(tx *fsm.Tx, req CompleteLifecycleActionRequest) ([]PendingAction, error) {
	switch req.Result {
	case autoscaling.ResultContinue, autoscaling.ResultAbandon, autoscaling.ResultRollback:
	default:
		return nil, autoscaling.FieldErrorf("result", "%q is not CONTINUE, ABANDON or ROLLBACK", req.Result)
	}
	g, found, err := actionAddress{req.Group, req.Token, req.Instance, req.Hook, req.Activity}.find(tx)
	if err != nil {
		return nil, err
	}
	if req.Result == autoscaling.ResultRollback {
		for _, f := range found {
			if err := canRollBack(f.instance); err != nil {
				return nil, err
			}
		}
	}
	completed := make([]PendingAction, 0, len(found))
	for _, f := range found {
		c := *f.instance
		action := actionOf(&c, f.wait)
		if err := completeWait(tx, tx.Group(g.UID), &c, f.wait, req.Result, req.Caller.name(), &action); err != nil {
			return nil, err
		}
		completed = append(completed, action)
	}
	return completed, nil
}

func canRollBack(i *autoscaling.Instance) error {
	if i.State != autoscaling.TerminatingWait {
		return autoscaling.FieldErrorf("result", "instance %s is %s: ROLLBACK is for those that are %s", i.ID, i.State, autoscaling.TerminatingWait)
	}
	return nil
}

// completeWait ends one wait by somebody's word, and says so on the action.
func completeWait(tx *fsm.Tx, g *autoscaling.Group, c *autoscaling.Instance, n int, result autoscaling.HookResult, by string, action *PendingAction) error {
	why := ""
	if result == autoscaling.ResultRollback {
		if stays := noWayBack(tx, g, c); stays != "" {
			result, why = autoscaling.ResultContinue, ": ROLLBACK counts as CONTINUE, because "+stays
		} else if err := roomToRollBack(tx, g, c); err != nil {
			return err
		}
	}
	ownWaits(c)
	endWait(tx, c, n, result, by, why)
	metadata := action.Metadata
	action.HookWait = c.Waits[n]
	action.Metadata = metadata
	decideWaits(tx, g, c, n)
	return nil
}

// decideWaits does what follows from the end of one wait.
func decideWaits(tx *fsm.Tx, g *autoscaling.Group, c *autoscaling.Instance, n int) {
	w := &c.Waits[n]
	said := fmt.Sprintf("hook %s: %s by %s", w.Hook, w.Result, w.EndedBy)
	switch {
	case w.Result == autoscaling.ResultRollback:
		endWaits(tx, c, autoscaling.ResultRollback, endedByOtherHook)
		rollBack(tx, g, c, said)
	case w.Result == autoscaling.ResultAbandon && c.State == autoscaling.PendingWait:
		endWaits(tx, c, autoscaling.ResultAbandon, endedByOtherHook)
		failLaunch(tx, c, said)
	case w.Result == autoscaling.ResultAbandon:
		endWaits(tx, c, autoscaling.ResultAbandon, endedByOtherHook)
		finishStep(tx, c, said)
	case !anyOpen(c):
		finishStep(tx, c, said)
	default:
		c.Deadline = earliestWait(c)
		put(tx, c)
	}
}

// expireWaits ends the waits whose deadlines have passed with their default
// results, the earliest first. c is the caller's own copy.
func expireWaits(tx *fsm.Tx, g *autoscaling.Group, c *autoscaling.Instance) {
	ownWaits(c)
	last := -1
	for {
		due := earliestDue(c, tx.Now())
		if due < 0 {
			break
		}
		last = due
		w := &c.Waits[due]
		endWait(tx, c, due, w.DefaultResult, endedByDeadline, "")
		if w.Result == autoscaling.ResultAbandon {
			break
		}
	}
	if last < 0 {
		c.Deadline = earliestWait(c)
		put(tx, c)
		return
	}
	decideWaits(tx, g, c, last)
}

func earliestDue(c *autoscaling.Instance, now autoscaling.Time) int {
	due := -1
	for n := range c.Waits {
		w := &c.Waits[n]
		if w.Open() && w.Deadline <= now && (due < 0 || w.Deadline < c.Waits[due].Deadline) {
			due = n
		}
	}
	return due
}

// endHooks lets all instances of a group go on that wait on their way out: it is
// deleted with skip_hooks.
func endHooks(tx *fsm.Tx, group autoscaling.UID) {
	for _, i := range slices.Collect(tx.Instances(group)) { // it is changed meanwhile
		if i.Step != autoscaling.StepHooks || i.State.Launching() {
			continue
		}
		c := *i
		endWaits(tx, &c, autoscaling.ResultContinue, endedBySkipHooks)
		finishStep(tx, &c, endedBecause[endedBySkipHooks])
	}
}
