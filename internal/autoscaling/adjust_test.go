package autoscaling

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestAdjust(t *testing.T) {
	for _, c := range []struct {
		rule    SimpleRule
		desired int32
		want    int32 // within 0 and 100
	}{
		{SimpleRule{AdjustmentType: ChangeInCapacity, Adjustment: 2}, 2, 4},
		{SimpleRule{AdjustmentType: ChangeInCapacity, Adjustment: -2}, 2, 0},
		{SimpleRule{AdjustmentType: ChangeInCapacity, Adjustment: -3}, 2, 0},
		{SimpleRule{AdjustmentType: ChangeInCapacity, Adjustment: 99}, 2, 100},
		{SimpleRule{AdjustmentType: ChangeInCapacity, Adjustment: 1, MinAdjustmentMagnitude: 3}, 2, 5},
		{SimpleRule{AdjustmentType: ChangeInCapacity, Adjustment: 0, MinAdjustmentMagnitude: 3}, 2, 2},
		{SimpleRule{AdjustmentType: ExactCapacity, Adjustment: 7}, 2, 7},
		{SimpleRule{AdjustmentType: ExactCapacity, Adjustment: 0}, 2, 0},
		{SimpleRule{AdjustmentType: ExactCapacity, Adjustment: 1000}, 2, 100},
		// Above 1 is floored, between 0 and 1 is 1, mirrored for negatives.
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: 25}, 10, 12},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: 29}, 10, 12},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: 1}, 10, 11},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: -25}, 10, 8},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: -29}, 10, 8},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: -1}, 10, 9},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: 0}, 10, 10},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: 50}, 0, 0},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: 50, MinAdjustmentMagnitude: 2}, 0, 2},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: 10, MinAdjustmentMagnitude: 3}, 10, 13},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: -10, MinAdjustmentMagnitude: 3}, 10, 7},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: 60, MinAdjustmentMagnitude: 3}, 10, 16},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: 25, Rounding: RoundNearest}, 10, 13},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: 24, Rounding: RoundNearest}, 10, 12},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: -25, Rounding: RoundNearest}, 10, 7},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: 4, Rounding: RoundNearest}, 10, 10},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: 5, Rounding: RoundNearest}, 10, 11},
		{SimpleRule{AdjustmentType: PercentChangeInCapacity, Adjustment: 1_000_000}, 50, 100},
		{SimpleRule{AdjustmentType: ExactPercent, Adjustment: 50}, 10, 5},
		{SimpleRule{AdjustmentType: ExactPercent, Adjustment: 50}, 3, 2},  // the change of -1.5 is -1
		{SimpleRule{AdjustmentType: ExactPercent, Adjustment: 110}, 3, 4}, // the change of 0.3 is 1
		{SimpleRule{AdjustmentType: ExactPercent, Adjustment: 110, Rounding: RoundNearest}, 3, 3},
		{SimpleRule{AdjustmentType: ExactPercent, Adjustment: 0}, 10, 0},
		{SimpleRule{AdjustmentType: ExactPercent, Adjustment: 100}, 10, 10},
		{SimpleRule{AdjustmentType: ExactPercent, Adjustment: 200}, 10, 20},
	} {
		t.Run(fmt.Sprintf("%s_%d_of_%d_%s", c.rule.AdjustmentType, c.rule.Adjustment, c.desired, c.rule.Rounding), func(t *testing.T) {
			if got := Adjust(&c.rule, c.desired, 0, 100); got != c.want {
				t.Errorf("desired %d becomes %d, want %d (magnitude %d)", c.desired, got, c.want, c.rule.MinAdjustmentMagnitude)
			}
		})
	}
}

func TestAdjustStaysWithinTheBoundsAndGoesTheRulesWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Int32Range(0, MaxSize).Draw(t, "min")
		high := rapid.Int32Range(low, MaxSize).Draw(t, "max")
		desired := rapid.Int32Range(low, high).Draw(t, "desired")
		r := &SimpleRule{
			AdjustmentType:         rapid.SampledFrom([]AdjustmentType{ChangeInCapacity, PercentChangeInCapacity, ExactCapacity, ExactPercent}).Draw(t, "type"),
			Adjustment:             rapid.Int32Range(-MaxSize, MaxSize).Draw(t, "adjustment"),
			MinAdjustmentMagnitude: rapid.Int32Range(0, MaxSize).Draw(t, "magnitude"),
			Rounding:               rapid.SampledFrom([]Rounding{"", RoundDefault, RoundNearest}).Draw(t, "rounding"),
		}
		got := Adjust(r, desired, low, high)
		if got < low || got > high {
			t.Fatalf("%d is outside %d..%d", got, low, high)
		}
		if r.AdjustmentType == ChangeInCapacity || r.AdjustmentType == PercentChangeInCapacity {
			if r.Adjustment > 0 && got < desired || r.Adjustment < 0 && got > desired || r.Adjustment == 0 && got != desired {
				t.Fatalf("an adjustment of %d made %d of %d", r.Adjustment, got, desired)
			}
		}
	})
}
