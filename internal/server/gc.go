package server

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// minGrowth is how much a node's heap may grow before the collector runs. Go's
// default lets a heap double: while the state is small, as it is in most
// clusters, that is a collection every few thousand requests, and a tenth of the
// leader's CPU.
const minGrowth = 128 << 20

// tuneGC sets the collector's percentage after each collection so that the heap
// may grow by minGrowth, or double where that is more. GOGC in the environment
// has the say.
func tuneGC() {
	if os.Getenv("GOGC") != "" {
		return
	}
	retune(&generation{})
}

// generation is what a collection finds unreachable: its finalizer runs after
// each one, and makes the next.
type generation struct{ _ [16]byte }

func retune(g *generation) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	percent := 100
	if bytes := max(live[0].Value.Uint64(), 1<<20); bytes < minGrowth {
		percent = int(minGrowth * 100 / bytes)
	}
	debug.SetGCPercent(percent)
	runtime.SetFinalizer(g, func(*generation) { retune(&generation{}) })
}
