package scheduler

import (
	"context"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/metrics"
	"github.com/asctl/as/internal/providers"
)

// measure asks the compute providers what their machines use, and keeps the
// answers of those in service past their warm-up as the group's samples.
func (t *term) measure(ctx context.Context) {
	for sleep(ctx, t.Limits.UsageInterval) {
		for name := range t.observed {
			t.measureProvider(ctx, name)
		}
	}
}

// Metrics that compute providers measure.
const (
	metricCPU    = "cpu_utilization"
	metricMemory = "memory_utilization"
)

func (t *term) measureProvider(ctx context.Context, name string) {
	reporter, ok := t.observed[name].compute.(providers.UsageReporter)
	if !ok || !t.observed[name].released.Load() {
		return
	}
	calling, cancel := context.WithTimeout(ctx, t.Limits.CallTimeout)
	usages, err := reporter.Usage(calling, t.fence.Cluster)
	cancel()
	if err != nil {
		t.log.Debug("usage not measured", "provider", name, "error", err)
		return
	}
	view, now := t.State.View(), t.Now()
	samples := map[autoscaling.UID][]metrics.Sample{}
	for _, u := range usages {
		i := view.FindInstance(autoscaling.InstanceID(u.Instance))
		if i == nil || i.State != autoscaling.InService {
			continue
		}
		if u.CPUPercent >= 0 {
			t.Samples.SetLoad(i.ID, u.CPUPercent, now)
		}
		if now < i.WarmUntil {
			continue
		}
		for metric, value := range map[string]float64{metricCPU: u.CPUPercent, metricMemory: u.MemoryPercent} {
			if value >= 0 {
				samples[i.Group] = append(samples[i.Group], metrics.Sample{Metric: metric, Instance: i.ID, Value: value, Time: now})
			}
		}
	}
	for group, batch := range samples {
		if err := t.Measured(group, batch); err != nil {
			t.log.Debug("usage not kept", "group", group, "error", err)
		}
	}
}
