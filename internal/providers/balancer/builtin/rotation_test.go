package builtin

import (
	"testing"

	"pgregory.net/rapid"
)

func TestRotationKeepsTheWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Int32Range(-1, 50), 1, 20).Draw(t, "weights")
		targets := make([]*target, len(weights))
		for i := range targets {
			targets[i] = &target{}
			targets[i].admitted.Store(true)
		}
		r := newRotation(targets, weights)
		picks := make(map[*target]int)
		for cursor := range uint64(2 * len(r)) {
			picks[r.from(cursor, nil)]++
		}
		for i, a := range targets {
			if picks[a] == 0 {
				t.Fatalf("target %d of weight %d is never picked", i, weights[i])
			}
			for j, b := range targets { // shares stand as weights do
				if picks[a]*int(max(1, weights[j])) != picks[b]*int(max(1, weights[i])) {
					t.Fatalf("weights %d and %d picked %d and %d times", weights[i], weights[j], picks[a], picks[b])
				}
			}
		}
	})
}

func TestRotationSpreadsAHeavyTarget(t *testing.T) {
	heavy, light := &target{}, &target{}
	heavy.admitted.Store(true)
	light.admitted.Store(true)
	r := newRotation([]*target{heavy, light}, []int32{3, 1})
	got := ""
	for _, t := range r {
		if t == heavy {
			got += "h"
		} else {
			got += "l"
		}
	}
	if got != "hhlh" && got != "hlhh" {
		t.Errorf("rotation %s", got)
	}
}

func TestRotationIsBounded(t *testing.T) {
	targets := []*target{{}, {}, {}}
	if r := newRotation(targets, []int32{1 << 30, 1<<30 - 1, 1}); len(r) > maxSlots+len(targets) {
		t.Errorf("%d slots", len(r))
	}
	if newRotation(nil, nil).from(1, nil) != nil {
		t.Error("a target out of nothing")
	}
}
