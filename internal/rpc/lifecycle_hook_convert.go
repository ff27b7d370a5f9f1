package rpc

import (
	"strconv"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// lifecycleHookMessage shows a hook of the group.
func lifecycleHookMessage(r fsm.Reader, g *autoscaling.Group, h *autoscaling.LifecycleHook) *pb.LifecycleHook {
	m := lifecycleHookSpecMessage(h)
	m.Name = autoscaling.LifecycleHookResource(g.Namespace, g.ID, h.ID)
	m.Ari = autoscaling.LifecycleHookARI(clusterName(r), g.Namespace, g.ID, h.ID)
	m.Uid = string(h.UID)
	m.CreateTime, m.UpdateTime = timestamp(h.CreateTime), timestamp(h.UpdateTime)
	m.Etag = h.Etag()
	return m
}

// lifecycleHookSpecMessage shows what people say of a hook.
func lifecycleHookSpecMessage(h *autoscaling.LifecycleHook) *pb.LifecycleHook {
	return &pb.LifecycleHook{
		Labels: h.Labels, ExternalNames: h.ExternalNames,
		Transition:         hookTransition(h.Transition),
		HeartbeatTimeout:   duration(h.HeartbeatTimeout),
		DefaultResult:      hookResult(h.DefaultResult),
		NotificationTarget: h.NotificationTarget,
		Metadata:           h.Metadata,
	}
}

func hookTransition(t autoscaling.Transition) pb.LifecycleHook_Transition {
	return enum[pb.LifecycleHook_Transition](pb.LifecycleHook_Transition_value, string(t))
}

func hookResult(r autoscaling.HookResult) pb.LifecycleHook_Result {
	return enum[pb.LifecycleHook_Result](pb.LifecycleHook_Result_value, string(r))
}

// readLifecycleHook writes what people say of a hook in the namespace into it;
// what they do not say is the default.
func readLifecycleHook(m *pb.LifecycleHook, namespace string, h *autoscaling.LifecycleHook) error {
	initial := autoscaling.DefaultLifecycleHook()
	target, err := localID("notification_target", m.GetNotificationTarget(), autoscaling.NotificationTargetResource(namespace, ""))
	if err != nil {
		return err
	}
	h.Labels, h.ExternalNames = m.GetLabels(), m.GetExternalNames()
	h.Transition = name[pb.LifecycleHook_Transition, autoscaling.Transition](m.GetTransition())
	h.HeartbeatTimeout = durationOr(m.GetHeartbeatTimeout(), initial.HeartbeatTimeout)
	h.DefaultResult = orDefault(name[pb.LifecycleHook_Result, autoscaling.HookResult](m.GetDefaultResult()), initial.DefaultResult)
	h.NotificationTarget = target
	h.Metadata = m.GetMetadata()
	return nil
}

// within says where the field of a refusal is.
func within(field string, err error) error {
	refused, is := err.(*autoscaling.Error)
	if !is || refused.Field == "" {
		return err
	}
	return autoscaling.FieldErrorf(field+"."+refused.Field, "%s", strings.TrimPrefix(refused.Message, refused.Field+": "))
}

// declaredHooks reads the hooks that a group is created with.
func declaredHooks(given []*pb.LifecycleHook, namespace, group string) ([]control.NewHook, error) {
	var hooks []control.NewHook
	for i, m := range given {
		field := "hooks[" + strconv.Itoa(i) + "]"
		id, err := localID(field+".name", m.GetName(), autoscaling.LifecycleHookResource(namespace, group, ""))
		if err != nil {
			return nil, err
		}
		if id == "" {
			return nil, autoscaling.FieldErrorf(field+".name", "is required: the hook's id")
		}
		hook := autoscaling.DefaultLifecycleHook()
		if err := readLifecycleHook(m, namespace, &hook); err != nil {
			return nil, within(field, err)
		}
		hooks = append(hooks, control.NewHook{NewMeta: newMeta(id, m), Hook: hook})
	}
	return hooks, nil
}
