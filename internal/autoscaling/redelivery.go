package autoscaling

import (
	"encoding/binary"
	"hash/fnv"
	"time"
)

// What a target did not take is tried again after a pause that doubles from
// RedeliveryBase to RedeliveryMax.
const (
	RedeliveryBase = 5 * time.Second
	RedeliveryMax  = 15 * time.Minute
	MaxRetryAfter  = time.Hour // what a target may ask for
)

// RedeliveryDelay is the pause after so many attempts, a fifth more or less by a
// hash of the delivery, so that what failed together does not come back together
// and every node computes the same.
func RedeliveryDelay(target UID, id uint64, attempts int32) time.Duration {
	d := RedeliveryMax
	if attempts <= 8 { // 5 s · 2⁸ is past the maximum
		d = min(RedeliveryBase<<max(attempts-1, 0), RedeliveryMax)
	}
	h := fnv.New64a()
	h.Write([]byte(target))
	var n [12]byte
	binary.LittleEndian.PutUint64(n[:8], id)
	binary.LittleEndian.PutUint32(n[8:], uint32(attempts))
	h.Write(n[:])
	spread := d * 2 / 5
	if d == RedeliveryMax {
		spread = d / 5 // it is never more
	}
	return d*4/5 + time.Duration(mix(h.Sum64())%uint64(spread))
}
