package virtual

import (
	"slices"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/bubble"
)

// inWorld runs a test in a world of its own, with configuration "app".
func inWorld(t *testing.T, opts Options, test func(t *testing.T, w *World)) {
	t.Helper()
	bubble.Test(t, func(t *testing.T) {
		w := New(t, opts)
		w.Configure("app", nil)
		test(t, w)
	})
}

func TestAGroupIsLaunchedAndRemovedInTheOrderOfTheWorkflow(t *testing.T) {
	inWorld(t, Options{}, func(t *testing.T, w *World) {
		w.Group("web", 0, nil)
		a := w.SetDesired("web", 3)
		w.Settle(time.Minute)
		if a = w.Activity(a.ID); a.Status != autoscaling.ActivitySuccessful || a.LaunchesDone != 3 {
			t.Errorf("activity %+v", a)
		}
		ids := w.Instances("web")
		w.SetDesired("web", 0)
		w.Settle(time.Minute)
		for _, i := range ids {
			want := []Deed{Made, Listed, Started, Pooled, Drained, Unpooled, Stopped, Unlisted, Removed}
			if got := w.Books.Machine(i.ID).Deeds; !slices.Equal(got, want) {
				t.Errorf("machine of %s: %v", i.ID, got)
			}
		}
		if n := w.Books.Machines(); n != 3 {
			t.Errorf("%d machines were made", n)
		}
	})
}
