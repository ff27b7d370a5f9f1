package metrics

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
)

// A series is kept twice: by the second for short windows, by the minute for
// long ones.
const (
	fineWidth   = 1
	fineKept    = 900 // 15 minutes
	coarseWidth = 60
	coarseKept  = 24 * 60 // a day
)

// series is one metric of one group.
type series struct {
	fine, coarse line
	negative     bool             // a sample was below zero
	since        autoscaling.Time // samples of before were dropped; 0: none were
}

func (s *series) add(at int64, v float64) {
	s.negative = s.negative || v < 0
	s.fine.add(at, v)
	s.coarse.add(at, v)
}

// newest is the second of the newest sample.
func (s *series) newest() int64 { return s.fine.newest() }

// line is a row of buckets of equal width, in order; those without samples are
// not there.
type line struct {
	width   int64
	kept    int
	buckets []bucket
}

func newSeries() *series {
	return &series{fine: line{width: fineWidth, kept: fineKept}, coarse: line{width: coarseWidth, kept: coarseKept}}
}

func (l *line) add(at int64, v float64) {
	start := at - at%l.width
	if n := len(l.buckets); n > 0 && l.buckets[n-1].start == start {
		l.buckets[n-1].add(v)
		return
	}
	i, found := slices.BinarySearchFunc(l.buckets, start, func(b bucket, t int64) int { return int(b.start - t) })
	if !found {
		l.buckets = slices.Insert(l.buckets, i, bucket{start: start})
	}
	l.buckets[i].add(v)
	l.forget(l.buckets[len(l.buckets)-1].start)
}

// forget drops what is too old, in batches: moving costs.
func (l *line) forget(newest int64) {
	oldest := newest - int64(l.kept)*l.width
	if l.buckets[0].start > oldest-int64(l.kept/8)*l.width {
		return
	}
	i, _ := slices.BinarySearchFunc(l.buckets, oldest, func(b bucket, t int64) int { return int(b.start - t) })
	l.buckets = slices.Delete(l.buckets, 0, i)
}

// fold merges the buckets that begin in [from, to).
func (l *line) fold(from, to int64) bucket {
	var all bucket
	i, _ := slices.BinarySearchFunc(l.buckets, from, func(b bucket, t int64) int { return int(b.start - t) })
	for ; i < len(l.buckets) && l.buckets[i].start < to; i++ {
		all.merge(&l.buckets[i])
	}
	return all
}

// newest is the start of the newest bucket; 0: there is none.
func (l *line) newest() int64 {
	if n := len(l.buckets); n > 0 {
		return l.buckets[n-1].start
	}
	return 0
}
