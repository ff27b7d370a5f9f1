package clustertest

import (
	"math/rand/v2"
	"sync/atomic"
)

var lastPort atomic.Uint32

// nextPort answers ports from 20000 to 31999, from a random one on: packages
// are tested at the same time.
func nextPort() int {
	lastPort.CompareAndSwap(0, 1+rand.Uint32N(12000))
	return 20000 + int(lastPort.Add(1)%12000)
}
