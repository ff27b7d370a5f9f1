package plan_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// someHooks are declared with a new group.
func (s *simulation) someHooks() (hooks []control.NewHook) {
	for _, id := range []string{"warm", "check", "save", "archive"} {
		if s.rng.IntN(4) == 0 {
			hooks = append(hooks, control.NewHook{NewMeta: control.NewMeta{ID: id}, Hook: s.hook(id)})
		}
	}
	return hooks
}

func (s *simulation) hook(id string) autoscaling.LifecycleHook {
	h := autoscaling.DefaultLifecycleHook()
	h.Transition = autoscaling.TransitionLaunching
	if id == "save" || id == "archive" {
		h.Transition = autoscaling.TransitionTerminating
	}
	h.HeartbeatTimeout = time.Duration(30+s.rng.IntN(60)) * time.Second
	if s.rng.IntN(3) > 0 {
		h.DefaultResult = autoscaling.ResultContinue
	}
	return h
}

// program is what the programs behind the hooks do, and people to the hooks.
func (s *simulation) program() {
	g := s.anyGroup()
	if g == nil {
		return
	}
	name := control.GroupName{Namespace: g.Namespace, ID: g.ID}
	if s.rng.IntN(10) == 0 {
		s.changeHook(g, name)
		return
	}
	waiting := slices.Collect(control.PendingActions(s.view().Reader, g.UID))
	if len(waiting) == 0 {
		return
	}
	a := waiting[s.rng.IntN(len(waiting))]
	if s.rng.IntN(3) == 0 {
		s.do(fmt.Sprintf("%s: heartbeat %s %s", g.ID, a.Instance, a.Hook), func(tx *fsm.Tx) error {
			_, err := s.ops.RecordLifecycleActionHeartbeat(tx, control.RecordLifecycleActionHeartbeatRequest{Group: name, Token: string(a.Token)})
			return err
		})
		return
	}
	result := []autoscaling.HookResult{
		autoscaling.ResultContinue, autoscaling.ResultContinue, autoscaling.ResultContinue, autoscaling.ResultAbandon, autoscaling.ResultRollback,
	}[s.rng.IntN(5)]
	s.complete(g, a, result)
}

// complete ends an action; one whose deadline has passed is not ended by anybody.
func (s *simulation) complete(g *autoscaling.Group, a control.PendingAction, result autoscaling.HookResult) {
	s.do(fmt.Sprintf("%s: %s of %s %s", g.ID, result, a.Instance, a.Hook), func(tx *fsm.Tx) error {
		_, err := s.ops.CompleteLifecycleAction(tx, control.CompleteLifecycleActionRequest{
			Group: control.GroupName{Namespace: g.Namespace, ID: g.ID}, Token: string(a.Token), Result: result,
		})
		if err == nil && s.now >= a.Deadline {
			s.fail("%s of %s was completed after its deadline", a.Hook, a.Instance)
		}
		return err
	})
}

func (s *simulation) changeHook(g *autoscaling.Group, name control.GroupName) {
	id := []string{"warm", "check", "save", "archive"}[s.rng.IntN(4)]
	child := control.ChildName{Namespace: g.Namespace, Group: g.ID, ID: id}
	s.do(g.ID+": change hook "+id, func(tx *fsm.Tx) error {
		if tx.LifecycleHook(g.UID, id) == nil {
			_, err := s.ops.CreateLifecycleHook(tx, control.CreateLifecycleHookRequest{Parent: name, NewMeta: control.NewMeta{ID: id}, Hook: s.hook(id)})
			return err
		}
		return s.ops.DeleteLifecycleHook(tx, control.DeleteLifecycleHookRequest{Name: child})
	})
}

// completeAll is how programs behave that do their work.
func (s *simulation) completeAll() {
	for _, g := range s.groups() {
		for _, a := range slices.Collect(control.PendingActions(s.view().Reader, g.UID)) {
			s.complete(g, a, autoscaling.ResultContinue)
		}
	}
}

// checkHooks: who is held is let in, and gets no traffic; each wait ends once, and
// not by its deadline before that.
func (s *simulation) checkHooks(v fsm.View) {
	for id := range s.pool.targets {
		if i := v.FindInstance(autoscaling.InstanceID(id)); i != nil && i.State == autoscaling.PendingWait {
			s.fail("%s is held by launch hooks, and in the pool", id)
		}
	}
	for e := range v.Events(s.heard) {
		s.heard = e.Index
		if e.Type != autoscaling.EventHookEnded {
			continue
		}
		token := autoscaling.UID(e.Details["token"])
		if s.ended[token] {
			s.fail("hook %s of %s ended twice", e.Subject, e.Instance)
		}
		s.ended[token] = true
		if e.Details["ended_by"] != "deadline" {
			continue
		}
		for _, w := range v.FindInstance(e.Instance).Waits {
			if w.Token == token && e.Time < w.Deadline {
				s.fail("hook %s of %s ended at %s by its deadline %s", w.Hook, e.Instance, e.Time, w.Deadline)
			}
		}
	}
}

// onHeld: a machine that hooks hold runs, until its end is its own.
func (s *simulation) onHeld(m *providers.Machine) {
	if i := s.view().FindInstance(autoscaling.InstanceID(m.Instance)); i != nil && i.Step == autoscaling.StepHooks {
		s.fail("%s was stopped while hooks held it in %s", m.Instance, i.State)
	}
}
