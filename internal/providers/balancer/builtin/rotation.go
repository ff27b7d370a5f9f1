package builtin

import (
	"cmp"
	"slices"
)

// maxSlots bounds a rotation; weights beyond it are rounded.
const maxSlots = 1 << 16

// rotation is a weighted round robin laid out in advance, so that a pick is one
// atomic step: each target has as many slots as its weight, evenly spread.
type rotation []*target

func newRotation(targets []*target, weights []int32) rotation {
	slots := slotCounts(weights)
	type slot struct {
		at     float64 // where in the round, 0 to 1
		target int
	}
	var round []slot
	for i, count := range slots {
		for k := range count {
			round = append(round, slot{(float64(k) + 0.5) / float64(count), i})
		}
	}
	slices.SortFunc(round, func(a, b slot) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.target, b.target))
	})
	r := make(rotation, len(round))
	for i, s := range round {
		r[i] = targets[s.target]
	}
	return r
}

// slotCounts brings the weights to their smallest whole ratio, within maxSlots.
// A weight that is not stated counts as 1.
func slotCounts(weights []int32) []int {
	counts := make([]int, len(weights))
	divisor, sum := 0, 0
	for i, w := range weights {
		counts[i] = max(1, int(w))
		divisor = gcd(divisor, counts[i])
	}
	for i := range counts {
		counts[i] /= divisor
		sum += counts[i]
	}
	if sum > maxSlots {
		for i := range counts {
			counts[i] = max(1, int(float64(counts[i])*maxSlots/float64(sum)))
		}
	}
	return counts
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// from answers the first target at or after the cursor that is fit and was not
// tried; when there is none, the first that was not tried: this node's doubts
// must not turn away everybody.
func (r rotation) from(cursor uint64, tried []*target) *target {
	if len(r) == 0 {
		return nil
	}
	start := int(cursor % uint64(len(r)))
	var doubtful *target
	for i := range r {
		t := r[(start+i)%len(r)]
		if slices.Contains(tried, t) {
			continue
		}
		if t.ready() {
			return t
		}
		if doubtful == nil {
			doubtful = t
		}
	}
	return doubtful
}
