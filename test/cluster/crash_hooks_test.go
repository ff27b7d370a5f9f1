package cluster_test

import (
	"context"
	"testing"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// TestLeaderKilledWhileHooksHold kills the leader at each point of a launch and
// of a removal that hooks hold, and completes each wait once.
func TestLeaderKilledWhileHooksHold(t *testing.T) {
	w := start(t, nodes.Options{Providers: processProviders()})
	w.createConfiguration(webConfiguration())
	w.createGroup("web", webGroup(0))
	w.createHook("web", "boot", pb.LifecycleHook_LAUNCHING)
	w.createHook("web", "save", pb.LifecycleHook_TERMINATING)
	m := &matrix{}
	defer func() { t.Log("crash matrix with hooks\n" + m.String()) }()
	arrows := func(wait pb.Instance_State, next pb.Instance_State) []arrow {
		return []arrow{
			{wait.String(), onState(wait)},
			{"LIFECYCLE_ACTION_OPENED", onType(pb.Event_LIFECYCLE_ACTION_OPENED)},
			{"LIFECYCLE_ACTION_ENDED", onType(pb.Event_LIFECYCLE_ACTION_ENDED)},
			{next.String(), onState(next)},
		}
	}
	in := arrows(pb.Instance_PENDING_WAIT, pb.Instance_PENDING_PROCEED)
	out := arrows(pb.Instance_TERMINATING_WAIT, pb.Instance_TERMINATING_PROCEED)
	w.completeAll("web")
	for n := range in {
		launch := crash{w: w, m: m, group: "web", kind: "SCALE_OUT", arrow: in[n]}
		launch.run(func() { w.setDesired("web", 2) }, 2, 0)
		removal := crash{w: w, m: m, group: "web", kind: "SCALE_IN", arrow: out[n]}
		removal.run(func() { w.setDesired("web", 0) }, 0, 2)
	}
	opened := w.feed.after(0, of("web", pb.Event_LIFECYCLE_ACTION_OPENED))
	ended := w.feed.after(0, of("web", pb.Event_LIFECYCLE_ACTION_ENDED))
	if want := 4 * len(in); len(opened) != want || len(ended) != want {
		t.Errorf("%d waits were opened and %d ended, want %d", len(opened), len(ended), want)
	}
}

// completeAll completes every wait of the group as soon as its notice comes.
func (w *world) completeAll(group string) {
	opened := of(group, pb.Event_LIFECYCLE_ACTION_OPENED)
	var next func(e *pb.Event)
	seen := map[string]bool{}
	next = func(e *pb.Event) {
		w.feed.on(opened, next)
		token := e.Attributes["token"]
		if seen[token] {
			return
		}
		seen[token] = true
		// By a goroutine: the feed's own must read on.
		go func() {
			err := w.attempt(func(ctx context.Context, a api) error {
				_, err := a.hooks.CompleteLifecycleAction(ctx, &pb.CompleteLifecycleActionRequest{
					Parent: groupName(group), Token: token, Result: pb.LifecycleHook_CONTINUE, RequestId: "complete-" + token,
				})
				return err
			})
			if err != nil {
				w.Errorf("complete %s: %v", token, err)
			}
		}()
	}
	w.feed.on(opened, next)
}
