package intake

import "syscall"

// Descriptors returns how many file descriptors the process may have open. The
// Go runtime raises the soft limit to the hard one when the process starts.
func Descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return fewDescriptors
	}
	return int(min(limit.Cur, manyDescriptors))
}

const (
	fewDescriptors  = 1024    // where the limit cannot be read
	manyDescriptors = 1 << 20 // more are never used
)

// Shares are how many connections each kind of listener may have, so that
// together they leave descriptors for the disk, the providers, the other nodes
// and the checks of targets.
type Shares struct {
	API   int // each of gRPC and HTTP
	Pools int // of all pools together; a connection of a pool has a second one, to its target
}

// reserved is the part of the descriptors that no listener gets.
func reserved(descriptors int) int { return min(max(descriptors/4, 256), 4096) }

// Share divides the descriptors: a quarter of what is not reserved to each of the
// two API listeners, the rest to pools.
func Share(descriptors int) Shares {
	usable := max(descriptors-reserved(descriptors), 8)
	api := usable / 4
	return Shares{API: api, Pools: (usable - 2*api) / 2}
}
