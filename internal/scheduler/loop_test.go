package scheduler

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

func TestLaunchReachesServiceAndRemovalMirrorsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, options{})
		f.configure()
		f.lead()
		defer f.resign()
		g := f.group("web", 1, withPoolAndList)
		f.eventually(10*time.Second, "one in service", func() bool { return f.inState(g, autoscaling.InService) == 1 })
		t.Log("\n" + f.story(0))
		last := f.View().LastEvent()
		f.setDesired("web", 0)
		f.eventually(30*time.Second, "gone", func() bool { return f.View().Counts(g).Live == 0 })
		time.Sleep(time.Second)
		t.Log("\n" + f.story(last))
	})
}
