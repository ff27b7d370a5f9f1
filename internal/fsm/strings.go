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

// of returns the string for the bytes, and whether it is surely text. Only such
// strings are kept: a look at each string that is read would cost more.
func (c *stringCache) of(b []byte) (s string, sound bool) {
	if len(b) == 0 {
		return "", true
	}
	if len(b) > longestShared {
		s = string(b)
		return s, surelyText(s)
	}
	if c.slots == nil {
		c.seed, c.slots = maphash.MakeSeed(), new([4096]string)
	}
	slot := &c.slots[maphash.Bytes(c.seed, b)%uint64(len(c.slots))]
	if *slot == string(b) {
		return *slot, true
	}
	if s = string(b); !surelyText(s) {
		return s, false
	}
	*slot = s
	return s, true
}
