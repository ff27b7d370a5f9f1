package control

import (
	"fmt"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// What ended a wait, where nobody completed it.
const (
	endedByDeadline  = "deadline"
	endedByMachine   = "machine"
	endedByRemoval   = "removal"
	endedByOtherHook = "another hook"
	endedBySkipHooks = "skip_hooks"
)

var endedBecause = map[string]string{
	endedByMachine:   "the machine ended",
	endedByRemoval:   "the instance was removed",
	endedByOtherHook: "another hook had decided",
	endedBySkipHooks: "the group is deleted with skip_hooks",
}

// holders are the hooks that hold the instance now, in the transition that its
// state is part of: PENDING and PENDING_WAIT of launching, the others of
// terminating.
//
// A machine that has ended, or is not there yet, is not held: there is nothing that
// a program could do with it.
func holders(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance) []*autoscaling.LifecycleHook {
	transition := autoscaling.TransitionTerminating
	switch {
	case g == nil:
		return nil
	case i.State.Launching():
		transition = autoscaling.TransitionLaunching
	case g.SkipHooks || i.Stopped || !i.HasMachine():
		return nil
	case i.State == autoscaling.Detaching && !i.RunHooks:
		return nil
	}
	if i.Origin == autoscaling.OriginAttached && !i.RunHooks {
		return nil
	}
	var hooks []*autoscaling.LifecycleHook
	for h := range tx.LifecycleHooks(g.UID) {
		if h.Transition == transition {
			hooks = append(hooks, h)
		}
	}
	return hooks
}

// held says whether hooks hold the instance now.
func held(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance) bool {
	return len(holders(tx, g, i)) > 0
}

// openWaits opens the waits of a transition, all together, in place of those of
// the one before.
func openWaits(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance) {
	hooks := holders(tx, g, i)
	now := tx.Now()
	i.Waits = make([]autoscaling.HookWait, len(hooks))
	for n, h := range hooks {
		i.Waits[n] = autoscaling.HookWait{
			Token: autoscaling.HookToken(i.ID, tx.NewUID()), Hook: h.ID, Metadata: h.Metadata,
			HeartbeatTimeout: h.HeartbeatTimeout, DefaultResult: h.DefaultResult,
			StartTime: now, Deadline: now.Add(h.HeartbeatTimeout),
			LastDeadline: now.Add(autoscaling.MaxHookWait(h.HeartbeatTimeout)),
		}
	}
	i.Deadline = earliestWait(i)
}

// giveNotice says of each wait that was opened just now what a program needs to
// end it. It goes to the hook's own target, too.
func giveNotice(tx *fsm.Tx, g *autoscaling.Group, i *autoscaling.Instance) {
	for n := range i.Waits {
		w, a := &i.Waits[n], actionOf(i, n)
		target := ""
		if h := tx.LifecycleHook(g.UID, w.Hook); h != nil {
			target = h.NotificationTarget
		}
		e := instanceEvent(tx, i, autoscaling.EventHookWaiting,
			fmt.Sprintf("waits in hook %s until %s, else %s", w.Hook, w.Deadline, w.DefaultResult))
		e.Subject = w.Hook
		e.Details = details("token", string(w.Token), "hook", w.Hook, "instance", string(i.ID), "transition", string(a.Transition),
			"deadline", w.Deadline.String(), "last_deadline", w.LastDeadline.String(), "heartbeat_timeout", w.HeartbeatTimeout.String(),
			"default_result", string(w.DefaultResult), "metadata", w.Metadata, "target", target)
		tx.Emit(e)
	}
}

// endWait ends one open wait on the caller's own copy, whose waits are its own
// as well (see ownWaits), and says so.
func endWait(tx *fsm.Tx, i *autoscaling.Instance, n int, result autoscaling.HookResult, by, why string) {
	w := &i.Waits[n]
	w.Result, w.EndedBy, w.EndTime = result, by, tx.Now()
	w.Metadata = "" // the notice is history: not in every version of the record
	e := instanceEvent(tx, i, autoscaling.EventHookEnded, fmt.Sprintf("hook %s %s%s", w.Hook, endedSentence(w), why))
	e.Subject = w.Hook
	e.Details = details("token", string(w.Token), "hook", w.Hook, "result", string(result), "ended_by", by)
	tx.Emit(e)
}

// endWaits ends all that are still open.
func endWaits(tx *fsm.Tx, i *autoscaling.Instance, result autoscaling.HookResult, by string) {
	if !anyOpen(i) {
		return
	}
	ownWaits(i)
	for n := range i.Waits {
		if i.Waits[n].Open() {
			endWait(tx, i, n, result, by, "")
		}
	}
}

// leaveWaits ends what a state that is left by force still waits for: no wait
// outlives its state.
func leaveWaits(tx *fsm.Tx, i *autoscaling.Instance) {
	result, by := autoscaling.ResultContinue, endedByRemoval
	if i.State.Launching() {
		result = autoscaling.ResultAbandon
	}
	if i.Stopped {
		by = endedByMachine
	}
	endWaits(tx, i, result, by)
}

// ownWaits makes the waits the caller's own: the old ones are shared.
func ownWaits(i *autoscaling.Instance) { i.Waits = slices.Clone(i.Waits) }

func anyOpen(i *autoscaling.Instance) bool {
	return slices.ContainsFunc(i.Waits, func(w autoscaling.HookWait) bool { return w.Open() })
}

// earliestWait is the first deadline of the waits that are open; 0: none is.
func earliestWait(i *autoscaling.Instance) autoscaling.Time {
	first := autoscaling.Time(0)
	for n := range i.Waits {
		if w := &i.Waits[n]; w.Open() {
			first = autoscaling.Earliest(first, w.Deadline)
		}
	}
	return first
}
