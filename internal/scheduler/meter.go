package scheduler

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// meter counts what the scheduler does.
type meter struct {
	passes   prometheus.Counter
	facts    prometheus.Counter
	effects  *prometheus.CounterVec // action, outcome
	observed *prometheus.CounterVec // outcome
	overdue  *prometheus.GaugeVec   // state
}

func newMeter(r prometheus.Registerer) (*meter, error) {
	m := &meter{
		passes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autoscaling_scheduler_passes_total", Help: "Looks at groups."}),
		facts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autoscaling_scheduler_facts_total", Help: "Facts about effects and observations handed to the writer."}),
		effects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "autoscaling_scheduler_effects_total", Help: "Calls to providers, by what they were for and the class of their outcome."}, []string{"action", "outcome"}),
		observed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "autoscaling_scheduler_listings_total", Help: "Listings of compute providers, by outcome."}, []string{"outcome"}),
		overdue: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "autoscaling_instances_overdue", Help: "Instances past their deadline, by state, on the node that leads: 0 unless something is stuck."}, []string{"state"}),
	}
	if r == nil {
		return m, nil
	}
	return m, errors.Join(r.Register(m.passes), r.Register(m.facts), r.Register(m.effects), r.Register(m.observed), r.Register(m.overdue))
}
