// Package bubble runs tests in virtual time: testing/synctest, and around a
// fault of Go's race detector (seen with Go 1.26; like golang/go#78156).
//
// The timers of a bubble share one race context. The runtime runs a timer in
// whichever goroutine finds it due (a select on time.NewTimer(0), a ticker that
// passed meanwhile), so two goroutines may run two timers of one bubble on two
// threads at once, in that one context. The race runtime cannot bear that: it
// dies of SIGSEGV in __tsan::SlotLock with a dump of registers, or of "CHECK
// failed: tsan_rtl.cpp", or, worse, compares with a damaged clock.
//
// On one P no two timers run at once: nothing leaves its P while it runs one.
// Races are found all the same; the detector looks at what is ordered by
// synchronization, not at what happened to be simultaneous.
package bubble

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
)

// onOneP is true in builds with the race detector (race.go).
var onOneP bool

// one is held while a test has set the number of Ps.
var one sync.Mutex

// Test is synctest.Test, on one P under the race detector.
func Test(t *testing.T, f func(*testing.T)) {
	t.Helper()
	if onOneP {
		one.Lock()
		defer one.Unlock()
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	synctest.Test(t, f)
}
