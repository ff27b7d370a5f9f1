package scheduler

import (
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// loses takes pool and list away from the fixture's leader, as a configuration
// file without them does.
func (f *fixture) loses(how string) {
	f.resign()
	switch how {
	case "the providers":
		delete(f.scheduler.Balancers, "edge")
		delete(f.scheduler.AccessLists, "files")
	case "the pool and the list":
		gone := providers.Errorf(providers.NotFound, "it is not configured")
		f.balancer.set(func() { f.balancer.err = gone })
		f.lists.fail(gone)
	}
	f.lead()
}

func TestInstancesLeaveAPoolAndAListThatAreGone(t *testing.T) {
	for _, what := range []string{"the providers", "the pool and the list"} {
		t.Run(what, func(t *testing.T) {
			bubble.Test(t, func(t *testing.T) {
				f := newFixture(t, options{})
				f.configure()
				f.lead()
				defer func() { f.resign() }()
				g := f.group("web", 3, withPoolAndList)
				f.eventually(10*time.Second, "three in service", func() bool { return f.inState(g, autoscaling.InService) == 3 })
				f.loses(what)
				f.setDesired("web", 1)
				f.eventually(2*time.Minute, "two are gone", func() bool {
					return f.inState(g, autoscaling.InService) == 1 && f.inState(g, autoscaling.Terminated) == 2
				})
				var notes []string
				for a := range f.View().Activities(g) {
					notes = append(notes, a.Notes...)
				}
				for _, want := range []string{"pool edge/web no longer exists", "access list files/db no longer exists"} {
					if !strings.Contains(strings.Join(notes, "\n"), want) {
						t.Errorf("the activities' notes are %q, want %q", notes, want)
					}
				}
			})
		})
	}
}

func TestASetThatOnlyThisNodeDoesNotHaveIsNotGone(t *testing.T) {
	bubble.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer func() { f.resign() }()
		g := f.group("web", 2, withPoolAndList)
		f.eventually(10*time.Second, "two in service", func() bool { return f.inState(g, autoscaling.InService) == 2 })
		f.must(func(tx *fsm.Tx) error {
			tx.PutNode(&autoscaling.Node{ID: "n1", ProvidersDigest: "without"})
			tx.PutNode(&autoscaling.Node{ID: "n2", ProvidersDigest: "with"})
			return nil
		})
		f.loses("the pool and the list")
		f.setDesired("web", 1)
		time.Sleep(5 * time.Minute)
		if n := f.inState(g, autoscaling.Terminated); n != 0 {
			t.Fatalf("%d left, though another node may still take them out", n)
		}
		f.must(func(tx *fsm.Tx) error {
			tx.PutNode(&autoscaling.Node{ID: "n2", ProvidersDigest: "without"})
			return nil
		})
		f.eventually(3*time.Minute, "it is gone once the nodes agree", func() bool { return f.inState(g, autoscaling.Terminated) == 1 })
	})
}
