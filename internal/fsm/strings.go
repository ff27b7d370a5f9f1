package fsm

import "hash/maphash"

// stringCache answers one string for equal bytes, mostly: zones, providers,
// uids and the like come again and again. It forgets what collides, so it needs
// no bound, and what it answers is the same whatever it remembers.
type stringCache struct {
	seed  maphash.Seed
	slots *[4096]string
}

const longestShared = 64

func (c *stringCache) of(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) > longestShared {
		return string(b)
	}
	if c.slots == nil {
		c.seed, c.slots = maphash.MakeSeed(), new([4096]string)
	}
	slot := &c.slots[maphash.Bytes(c.seed, b)%uint64(len(c.slots))]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}
