package cluster_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// TestAFrozenLeaderIsReplacedAndDoesNothingTwiceWhenItGoesOn stops the leader's
// process in the middle of its work: nothing is closed, nothing is reset, and
// when it goes on it believes for a moment that it still leads.
func TestAFrozenLeaderIsReplacedAndDoesNothingTwiceWhenItGoesOn(t *testing.T) {
	t.Parallel()
	w := start(t, nodes.Options{Providers: processProviders()})
	w.createConfiguration(webConfiguration())
	w.createGroup("web", webGroup(1))
	w.awaitSettled("web", 1)
	desired := int32(1)
	for _, freeze := range []struct {
		at     arrow
		change int32
	}{
		{arrow{"PENDING", onState(pb.Instance_PENDING)}, 2},
		{arrow{"ALLOW", onStep("ALLOW")}, 2},
		{arrow{"DRAIN", onStep("DRAIN")}, -2},
		{arrow{"STOP", onStep("STOP")}, -2},
	} {
		before := w.machines()
		begin := w.feed.last()
		leader := w.leader()
		frozen := make(chan struct{})
		match := freeze.at.match("web")
		w.feed.on(func(e *pb.Event) bool { return e.Index > begin && match(e) }, func(*pb.Event) {
			if err := leader.Signal(syscall.SIGSTOP); err != nil {
				t.Error(err)
			}
			close(frozen)
		})
		desired += freeze.change
		activity := w.setDesired("web", desired)
		<-frozen
		w.eventually("another node leads", func() error {
			for _, n := range w.Followers(leader) {
				var s nodes.Status
				if err := n.Get(t.Context(), "/v1/cluster", &s); err == nil && s.Leader == n.ID {
					return nil
				}
			}
			return errors.New("no other does")
		})
		ended := func(e *pb.Event) bool {
			return of("web", pb.Event_ACTIVITY_ENDED)(e) && groupName("web")+"/activities/"+e.Activity == activity.Name
		}
		w.feed.await(begin, "end of "+activity.Name+" under the new leader", ended)
		if err := leader.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		w.eventually("the old leader follows", func() error {
			var s nodes.Status
			if err := leader.Get(t.Context(), "/v1/cluster", &s); err != nil {
				return err
			}
			if s.Leader == "" || s.Leader == leader.ID {
				return fmt.Errorf("it says that %q leads", s.Leader)
			}
			return nil
		})
		w.waitReady()
		w.awaitSettled("web", desired)
		w.checkOutside("web")
		if n := len(w.feed.after(begin, ended)); n != 1 {
			t.Errorf("frozen at %s: the activity ended %d times", freeze.at.name, n)
		}
		made := 0
		for id := range w.machines() {
			if !before[id] {
				made++
				if n := w.starts(id); n != 1 {
					t.Errorf("frozen at %s: %s started %d times", freeze.at.name, id, n)
				}
			}
		}
		if want := max(0, int(freeze.change)); made != want {
			t.Errorf("frozen at %s: %d machines made, want %d\n%s", freeze.at.name, made, want, w.story(begin))
		}
	}
}
