package metrics

import (
	"math"
	"slices"

	"github.com/DataDog/sketches-go/ddsketch"

	"github.com/asctl/as/internal/autoscaling"
)

// exactValues is how many values of a bucket are kept as they are; beyond that
// a sketch answers percentiles with sketchAccuracy.
const (
	exactValues    = 64
	sketchAccuracy = 0.01
	sketchBins     = 512
)

// bucket sums up what was measured in one unit of time.
type bucket struct {
	start    int64 // seconds since the epoch
	count    int64
	sum      float64
	min, max float64
	values   []float64          // of the first exactValues
	sketch   *ddsketch.DDSketch // of all, once there are more
}

func (b *bucket) add(v float64) {
	if b.count == 0 {
		b.min, b.max = v, v
	}
	b.count++
	b.sum += v
	b.min, b.max = math.Min(b.min, v), math.Max(b.max, v)
	switch {
	case b.sketch != nil:
		_ = b.sketch.Add(v) // it refuses what is not a number only, see Put
	case len(b.values) < exactValues:
		b.values = append(b.values, v)
	default:
		b.sketchValues()
		_ = b.sketch.Add(v)
	}
}

func (b *bucket) sketchValues() {
	// The only error is an accuracy out of range.
	b.sketch, _ = ddsketch.LogCollapsingLowestDenseDDSketch(sketchAccuracy, sketchBins)
	for _, v := range b.values {
		_ = b.sketch.Add(v)
	}
	b.values = nil
}

// merge adds what another bucket has; other is left as it is.
func (b *bucket) merge(other *bucket) {
	if other.count == 0 {
		return
	}
	if b.count == 0 {
		b.min, b.max = other.min, other.max
	}
	b.count += other.count
	b.sum += other.sum
	b.min, b.max = math.Min(b.min, other.min), math.Max(b.max, other.max)
	if b.sketch == nil && other.sketch == nil && len(b.values)+len(other.values) <= exactValues {
		b.values = append(b.values, other.values...)
		return
	}
	if b.sketch == nil {
		b.sketchValues()
	}
	if other.sketch != nil {
		_ = b.sketch.MergeWith(other.sketch)
		return
	}
	for _, v := range other.values {
		_ = b.sketch.Add(v)
	}
}

// statistic folds the bucket; it means nothing for an empty one.
func (b *bucket) statistic(s autoscaling.Statistic) float64 {
	switch s {
	case autoscaling.StatisticMinimum:
		return b.min
	case autoscaling.StatisticMaximum:
		return b.max
	case autoscaling.StatisticSum:
		return b.sum
	case autoscaling.StatisticP50:
		return b.quantile(0.50)
	case autoscaling.StatisticP90:
		return b.quantile(0.90)
	case autoscaling.StatisticP99:
		return b.quantile(0.99)
	}
	return b.sum / float64(b.count)
}

// quantile is the smallest value that at least the share q does not exceed.
func (b *bucket) quantile(q float64) float64 {
	if b.sketch != nil {
		v, err := b.sketch.GetValueAtQuantile(q)
		if err != nil {
			return b.max
		}
		return math.Max(b.min, math.Min(b.max, v))
	}
	sorted := slices.Sorted(slices.Values(b.values))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}
