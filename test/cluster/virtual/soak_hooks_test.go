package virtual

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

var soakResults = []autoscaling.HookResult{
	autoscaling.ResultContinue, autoscaling.ResultContinue, autoscaling.ResultAbandon, autoscaling.ResultRollback,
}

// hookAct is something that people, or the programs behind hooks, do.
func (s *soaking) hookAct() func() {
	id, die := s.group(), s.rng.IntN(1000)
	parent := groupName(id)
	hook := "hook-" + strconv.Itoa(die%3)
	h := autoscaling.LifecycleHook{
		Transition:       []autoscaling.Transition{autoscaling.TransitionLaunching, autoscaling.TransitionTerminating}[s.rng.IntN(2)],
		HeartbeatTimeout: autoscaling.MinHeartbeatTimeout + time.Duration(s.rng.IntN(90))*time.Second,
		DefaultResult:    []autoscaling.HookResult{autoscaling.ResultContinue, autoscaling.ResultAbandon}[s.rng.IntN(2)],
		Metadata:         "meta", NotificationTarget: "ops",
	}
	switch s.rng.IntN(8) {
	case 0, 1:
		return func() {
			s.attempt(fmt.Sprintf("hold who is %s in %s by %s for %s, else %s", h.Transition, id, hook, h.HeartbeatTimeout, h.DefaultResult), func(tx *fsm.Tx) error {
				_, err := s.w.Ops.CreateLifecycleHook(tx, control.CreateLifecycleHookRequest{Parent: parent, NewMeta: control.NewMeta{ID: hook}, Hook: h})
				return err
			})
		}
	case 2:
		return func() {
			s.attempt("change "+hook+" of "+id, func(tx *fsm.Tx) error {
				_, err := s.w.Ops.UpdateLifecycleHook(tx, control.UpdateLifecycleHookRequest{
					Name: control.ChildName{Namespace: "default", Group: id, ID: hook},
					Change: func(was *autoscaling.LifecycleHook) error {
						was.HeartbeatTimeout, was.DefaultResult = h.HeartbeatTimeout, h.DefaultResult
						return nil
					},
				})
				return err
			})
		}
	case 3:
		return func() {
			s.attempt("delete "+hook+" of "+id, func(tx *fsm.Tx) error {
				return s.w.Ops.DeleteLifecycleHook(tx, control.DeleteLifecycleHookRequest{Name: control.ChildName{Namespace: "default", Group: id, ID: hook}})
			})
		}
	case 4:
		return func() {
			if a, address := s.action(id, die); a != nil {
				s.attempt(fmt.Sprintf("heartbeat of %s in %s, by %s", a.Instance, a.Hook, address.how), func(tx *fsm.Tx) error {
					_, err := s.w.Ops.RecordLifecycleActionHeartbeat(tx, control.RecordLifecycleActionHeartbeatRequest{
						Group: parent, Token: address.token, Instance: address.instance, Hook: address.hook, Activity: address.activity,
					})
					return err
				})
			}
		}
	}
	result := soakResults[s.rng.IntN(len(soakResults))]
	return func() {
		if a, address := s.action(id, die); a != nil {
			s.attempt(fmt.Sprintf("%s of %s in %s, by %s", result, a.Instance, a.Hook, address.how), func(tx *fsm.Tx) error {
				_, err := s.w.Ops.CompleteLifecycleAction(tx, control.CompleteLifecycleActionRequest{
					Group: parent, Token: address.token, Instance: address.instance, Hook: address.hook, Activity: address.activity, Result: result,
				})
				return err
			})
		}
	}
}

// address is one of the ways to name an action.
type address struct{ how, token, instance, hook, activity string }

// action is some action that somebody waits for, in any group when the named one
// has none, and a way to name it; nil when there is none.
func (s *soaking) action(group string, die int) (*control.PendingAction, address) {
	all := s.w.Actions(group)
	if len(all) == 0 {
		return nil, address{}
	}
	a := &all[die%len(all)]
	switch die / 7 % 3 {
	case 0:
		return a, address{how: "instance", instance: string(a.Instance), hook: a.Hook}
	case 1:
		return a, address{how: "activity", activity: a.Activity.String(), hook: a.Hook}
	}
	return a, address{how: "token", token: string(a.Token)}
}

// calm ends what would go on for ever: launches that nobody lets through,
// replacements for age, and who is too many and protected.
func (s *soaking) calm(id string) {
	v := s.w.Leader().View()
	g := v.GroupByID("default", id)
	if g == nil || g.State == autoscaling.GroupDeleting {
		return
	}
	s.attempt("calm "+id, func(tx *fsm.Tx) error {
		for _, h := range slices.Collect(tx.LifecycleHooks(g.UID)) {
			if h.Transition == autoscaling.TransitionLaunching && h.DefaultResult == autoscaling.ResultAbandon {
				if err := s.w.Ops.DeleteLifecycleHook(tx, control.DeleteLifecycleHookRequest{Name: control.ChildName{Namespace: "default", Group: id, ID: h.ID}}); err != nil {
					return err
				}
			}
		}
		_, err := s.w.Ops.UpdateGroup(tx, control.UpdateGroupRequest{Name: groupName(id), Change: func(_ *autoscaling.Meta, g *autoscaling.GroupSpec) error {
			g.MaxInstanceLifetime, g.NewInstancesProtected = 0, false
			return nil
		}})
		if err != nil {
			return err
		}
		var protected []string
		for i := range tx.Instances(g.UID) {
			if i.Protected && i.State == autoscaling.InService {
				protected = append(protected, string(i.ID))
			}
		}
		if len(protected) > 0 {
			_, err = s.w.Ops.SetInstanceProtection(tx, control.SetInstanceProtectionRequest{Group: groupName(id), Instances: protected})
		}
		return err
	})
}
