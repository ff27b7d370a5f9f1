package control_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// hook is what is named of a hook.
func hook(a args) autoscaling.LifecycleHook {
	h := autoscaling.DefaultLifecycleHook()
	setHook(a, &h)
	return h
}

func setHook(a args, h *autoscaling.LifecycleHook) {
	for _, t := range []autoscaling.Transition{autoscaling.TransitionLaunching, autoscaling.TransitionTerminating} {
		if a.has(string(t)) {
			h.Transition = t
		}
	}
	h.HeartbeatTimeout = a.duration("timeout", h.HeartbeatTimeout)
	if v, ok := a.named["default"]; ok {
		h.DefaultResult = autoscaling.HookResult(v)
	}
	if v, ok := a.named["target"]; ok {
		h.NotificationTarget = v
	}
	if v, ok := a.named["metadata"]; ok {
		h.Metadata = v
	}
	if n, ok := a.named["bytes"]; ok {
		h.Metadata = strings.Repeat("x", int(number(n)))
	}
}

func (s *story) hookCommand(tx *fsm.Tx, a args) (string, error) {
	switch a.word(0) {
	case "hook":
		h, err := s.Ops.CreateLifecycleHook(tx, control.CreateLifecycleHookRequest{Parent: a.parent(), NewMeta: a.meta(), Hook: hook(a)})
		return hookState(h, err)
	case "update-hook":
		h, err := s.Ops.UpdateLifecycleHook(tx, control.UpdateLifecycleHookRequest{Name: a.child(), Etag: a.named["etag"], Change: func(h *autoscaling.LifecycleHook) error {
			setHook(a, h)
			return nil
		}})
		return hookState(h, err)
	case "delete-hook":
		return "", s.Ops.DeleteLifecycleHook(tx, control.DeleteLifecycleHookRequest{Name: a.child(), Etag: a.named["etag"]})
	case "heartbeat":
		req := control.RecordLifecycleActionHeartbeatRequest{Caller: a.caller(), Group: a.group(), Hook: a.named["hook"], Activity: a.named["activity"]}
		req.Token, req.Instance = s.token(a), instanceArg(a)
		return actions(s.Ops.RecordLifecycleActionHeartbeat(tx, req))
	}
	req := control.CompleteLifecycleActionRequest{Caller: a.caller(), Group: a.group(), Hook: a.named["hook"], Activity: a.named["activity"]}
	req.Token, req.Instance, req.Result = s.token(a), instanceArg(a), autoscaling.HookResult(a.word(2))
	return actions(s.Ops.CompleteLifecycleAction(tx, req))
}

func instanceArg(a args) string {
	if v := a.named["instance"]; v != "" {
		return long(v)
	}
	return ""
}

// token reads "i1/warm": the token that the newest notice of the instance and
// hook carried; anything else is taken as it stands.
func (s *story) token(a args) string {
	id, hook, ok := strings.Cut(a.named["token"], "/")
	if !ok {
		return a.named["token"]
	}
	token := ""
	for e := range s.View().Events(0) {
		if e.Type == autoscaling.EventHookWaiting && string(e.Instance) == long(id) && e.Subject == hook {
			token = e.Details["token"]
		}
	}
	return token
}

func hookState(h *autoscaling.LifecycleHook, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("hook %s: %s within %s, else %s etag %s", h.ID, h.Transition, h.HeartbeatTimeout, h.DefaultResult, h.Etag()), nil
}

func actions(all []control.PendingAction, err error) (string, error) {
	if err != nil {
		return "", err
	}
	var texts []string
	for _, p := range all {
		texts = append(texts, actionText(p))
	}
	return strings.Join(texts, "; "), nil
}

func actionText(p control.PendingAction) string {
	text := fmt.Sprintf("%s %s/%s #%d", p.Transition, short(p.Instance), p.Hook, p.Activity)
	if p.Open() {
		return text + fmt.Sprintf(" until %s, at most %s, else %s", p.Deadline, p.LastDeadline.Sub(p.StartTime).Round(time.Second), p.DefaultResult)
	}
	return text + fmt.Sprintf(" %s by %s", p.Result, p.EndedBy)
}

func (s *story) actions(id string) {
	n := 0
	for p := range control.PendingActions(s.View().Reader, s.Group(id).UID) {
		fmt.Fprintf(&s.out, "= %s\n", actionText(p))
		n++
	}
	if n == 0 {
		fmt.Fprintln(&s.out, "= nobody waits")
	}
}
