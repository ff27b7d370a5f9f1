package rpc

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func (s lifecycleHookService) ListLifecycleActions(ctx context.Context, req *pb.ListLifecycleActionsRequest) (*pb.ListLifecycleActionsResponse, error) {
	v, err := s.view(ctx, req.GetConsistency())
	if err != nil {
		return nil, err
	}
	g, err := control.FindGroup(v.Reader, groupName(req.GetParent()))
	if err != nil {
		return nil, err
	}
	waiting := slices.Collect(control.PendingActions(v.Reader, g.UID))
	slices.SortFunc(waiting, func(a, b control.PendingAction) int {
		return cmp.Or(cmp.Compare(a.StartTime, b.StartTime), cmp.Compare(a.Token, b.Token))
	})
	page, next, total, err := list(req, lister[control.PendingAction, *pb.LifecycleAction]{
		records: slices.Values(waiting),
		key:     func(a control.PendingAction) string { return fmt.Sprintf("%020d%s", a.StartTime, a.Token) },
		message: func(a control.PendingAction) *pb.LifecycleAction { return lifecycleActionMessage(g, a) },
	})
	return &pb.ListLifecycleActionsResponse{LifecycleActions: page, NextPageToken: next, TotalSize: &total}, err
}

// actionRequest is how both requests name actions.
type actionRequest interface {
	GetParent() string
	GetToken() string
	GetInstance() string
	GetHook() string
	GetActivity() string
}

// actionNames are the ids of what a request names actions by.
type actionNames struct {
	group                    control.GroupName
	instance, hook, activity string
}

func readActionNames(req actionRequest) (actionNames, error) {
	n := actionNames{group: groupName(req.GetParent())}
	var err error
	for _, reference := range []struct {
		field, given, collection string
		id                       *string
	}{
		{"instance", req.GetInstance(), "/instances/", &n.instance},
		{"hook", req.GetHook(), "/lifecycleHooks/", &n.hook},
		{"activity", req.GetActivity(), "/activities/", &n.activity},
	} {
		if *reference.id, err = localID(reference.field, reference.given, req.GetParent()+reference.collection); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (s lifecycleHookService) CompleteLifecycleAction(ctx context.Context, req *pb.CompleteLifecycleActionRequest) (*pb.CompleteLifecycleActionResponse, error) {
	named, err := readActionNames(req)
	if err != nil {
		return nil, err
	}
	result := name[pb.LifecycleHook_Result, autoscaling.HookResult](req.GetResult())
	return mutateOr(ctx, s.Server, named.group.Namespace, req, func(tx *fsm.Tx) (*pb.CompleteLifecycleActionResponse, error) {
		ended, err := s.operations.CompleteLifecycleAction(tx, control.CompleteLifecycleActionRequest{
			Caller: caller(ctx, req.GetRequestId()), Group: named.group,
			Token: req.GetToken(), Instance: named.instance, Hook: named.hook, Activity: named.activity, Result: result,
		})
		if err != nil {
			return nil, err
		}
		return &pb.CompleteLifecycleActionResponse{LifecycleActions: lifecycleActions(tx, named.group, ended)}, nil
	}, func(tx *fsm.Tx, _ string) (*pb.CompleteLifecycleActionResponse, error) {
		ended, err := actionsAgain(tx, named, false)
		return &pb.CompleteLifecycleActionResponse{LifecycleActions: lifecycleActions(tx, named.group, ended)}, err
	})
}

func (s lifecycleHookService) RecordLifecycleActionHeartbeat(ctx context.Context, req *pb.RecordLifecycleActionHeartbeatRequest) (*pb.RecordLifecycleActionHeartbeatResponse, error) {
	named, err := readActionNames(req)
	if err != nil {
		return nil, err
	}
	return mutateOr(ctx, s.Server, named.group.Namespace, req, func(tx *fsm.Tx) (*pb.RecordLifecycleActionHeartbeatResponse, error) {
		moved, err := s.operations.RecordLifecycleActionHeartbeat(tx, control.RecordLifecycleActionHeartbeatRequest{
			Caller: caller(ctx, req.GetRequestId()), Group: named.group,
			Token: req.GetToken(), Instance: named.instance, Hook: named.hook, Activity: named.activity,
		})
		if err != nil {
			return nil, err
		}
		return &pb.RecordLifecycleActionHeartbeatResponse{LifecycleActions: lifecycleActions(tx, named.group, moved)}, nil
	}, func(tx *fsm.Tx, _ string) (*pb.RecordLifecycleActionHeartbeatResponse, error) {
		waiting, err := actionsAgain(tx, named, true)
		return &pb.RecordLifecycleActionHeartbeatResponse{LifecycleActions: lifecycleActions(tx, named.group, waiting)}, err
	})
}

// actionsAgain finds the actions of an activity, those that wait or those that
// ended, as they are by now: what a repeated request is answered with whose first
// answer was long.
func actionsAgain(tx *fsm.Tx, named actionNames, waiting bool) ([]control.PendingAction, error) {
	g, activity, err := control.FindActivity(tx.Reader, control.ChildName{
		Namespace: named.group.Namespace, Group: named.group.ID, ID: named.activity,
	})
	if err != nil {
		return nil, err
	}
	hook := named.hook
	if _, h, err := control.FindLifecycleHook(tx.Reader, control.ChildName{Namespace: g.Namespace, Group: g.ID, ID: hook}); err == nil {
		hook = h.ID
	}
	var found []control.PendingAction
	for i := range oldestFirst(tx.Reader, g.UID, true) {
		if i.Activity != activity.ID && i.Leaving != activity.ID && i.Moving != activity.ID {
			continue
		}
		for _, w := range i.Waits {
			if w.Hook == hook && w.Open() == waiting {
				found = append(found, control.PendingAction{
					Instance: i.ID, Activity: activity.ID, Transition: transitionOf(activity, i), HookWait: w,
				})
			}
		}
	}
	return found, nil
}

// transitionOf is which way the activity moves the instance.
func transitionOf(a *autoscaling.Activity, i *autoscaling.Instance) autoscaling.Transition {
	if i.Leaving == a.ID {
		return autoscaling.TransitionTerminating
	}
	return autoscaling.TransitionLaunching
}

// lifecycleActions shows actions of a group that was found before.
func lifecycleActions(tx *fsm.Tx, group control.GroupName, actions []control.PendingAction) []*pb.LifecycleAction {
	g, err := control.FindGroup(tx.Reader, group)
	if err != nil { // its last instance ended with the action, and the group with it
		g = &autoscaling.Group{Meta: autoscaling.Meta{Namespace: group.Namespace, ID: group.ID}}
	}
	return convertAll(actions, func(a control.PendingAction) *pb.LifecycleAction { return lifecycleActionMessage(g, a) })
}

// lifecycleActionMessage shows one hook's hold on an instance of the group.
func lifecycleActionMessage(g *autoscaling.Group, a control.PendingAction) *pb.LifecycleAction {
	m := &pb.LifecycleAction{
		Token:            string(a.Token),
		Instance:         autoscaling.InstanceResource(g.Namespace, g.ID, a.Instance),
		Hook:             autoscaling.LifecycleHookResource(g.Namespace, g.ID, a.Hook),
		Transition:       hookTransition(a.Transition),
		StartTime:        timestamp(a.StartTime),
		Deadline:         timestamp(a.Deadline),
		LastDeadline:     timestamp(a.LastDeadline),
		HeartbeatTimeout: duration(a.HeartbeatTimeout),
		DefaultResult:    hookResult(a.DefaultResult),
		Metadata:         a.Metadata,
		Result:           hookResult(a.Result),
		EndTime:          timestamp(a.EndTime),
		EndedBy:          a.EndedBy,
	}
	if a.Activity != 0 {
		m.Activity = autoscaling.ActivityResource(g.Namespace, g.ID, a.Activity)
	}
	return m
}
