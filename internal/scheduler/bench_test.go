package scheduler

import (
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// BenchmarkLaunch launches 10,000 instances in one group, in one process without
// Raft: what plan, control, lanes and reporter cost.
func BenchmarkLaunch(b *testing.B) {
	const count = 10_000
	for b.Loop() {
		b.StopTimer()
		f := newFixture(b, options{quick: true})
		f.configure()
		f.lead()
		g := f.group("web", 0, func(s *autoscaling.GroupSpec) { s.Max = count })
		commits := f.commits
		b.StartTimer()
		f.setDesired("web", count)
		for f.inState(g, autoscaling.InService) < count {
			time.Sleep(200 * time.Microsecond)
		}
		b.StopTimer()
		f.mu.Lock()
		b.ReportMetric(float64(f.commits-commits)/count, "functions/instance")
		f.mu.Unlock()
		f.resign()
		b.StartTimer()
	}
}
