package scheduler

import (
	"context"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
)

// BenchmarkDeliveries is what the loop can do when target and log cost nothing.
func BenchmarkDeliveries(b *testing.B) {
	f, r := newFixture(b, options{quick: true}), newReceivers()
	f.scheduler.Notifier = r
	f.configure()
	target, url := f.addTarget("ops")
	web := f.group("web", 0, nil)
	f.subscribe("web", "health", "ops", autoscaling.EventInstanceHealth)
	r.answer(url, func(context.Context, providers.Notice) error { return nil })
	f.lead()
	defer f.resign()
	for b.Loop() {
		f.emit(web, 10_000, 1)
		for f.pending(target).Pending > 0 {
			time.Sleep(time.Millisecond)
		}
	}
	b.ReportMetric(float64(b.N)*10_000/b.Elapsed().Seconds(), "deliveries/s")
}
