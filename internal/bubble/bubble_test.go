package bubble_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/asctl/as/internal/bubble"
)

// With synctest.Test in place of bubble.Test this kills the test binary under
// the race detector, on two cores or more. When it no longer does, with every
// Go that we support, package bubble can go.
func TestTwoGoroutinesRunTheirDueTimers(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	bubble.Test(t, func(t *testing.T) {
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				timer := time.NewTimer(0)
				for range 100_000 {
					timer.Reset(0)
					<-timer.C
				}
			})
		}
		wg.Wait()
	})
	if after := runtime.GOMAXPROCS(0); after != before {
		t.Errorf("%d Ps before, %d after", before, after)
	}
}
