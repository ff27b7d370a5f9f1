package scheduler

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asctl/as/internal/fsm"
)

// meter counts what the scheduler does.
type meter struct {
	passes   prometheus.Counter
	facts    prometheus.Counter
	effects  *prometheus.CounterVec // action, outcome
	observed *prometheus.CounterVec // outcome
	overdue  *prometheus.GaugeVec   // state

	delivered, undelivered, dead prometheus.Counter // notifications
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
		delivered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autoscaling_notifications_delivered_total", Help: "Notifications that their targets have taken; repeats count."}),
		undelivered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autoscaling_notifications_failed_total", Help: "Attempts to deliver a notification that failed."}),
		dead: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autoscaling_notifications_dead_total", Help: "Notifications that became dead letters."}),
	}
	if r == nil {
		return m, nil
	}
	return m, errors.Join(r.Register(m.passes), r.Register(m.facts), r.Register(m.effects), r.Register(m.observed), r.Register(m.overdue),
		r.Register(m.delivered), r.Register(m.undelivered), r.Register(m.dead))
}

// registerOutbox shows what is in the outboxes, on every node.
func registerOutbox(r prometheus.Registerer, state State) error {
	if r == nil {
		return nil
	}
	sum := func(of func(fsm.OutboxCounts) int) func() float64 {
		return func() float64 {
			view, total := state.View(), 0
			for t := range view.NotificationTargets("") {
				total += of(view.OutboxCounts(t.UID))
			}
			return float64(total)
		}
	}
	return errors.Join(
		r.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "autoscaling_notifications_pending", Help: "Notifications on their way to their targets, tried or not."},
			sum(func(c fsm.OutboxCounts) int { return c.Pending }))),
		r.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "autoscaling_notifications_dead_letters", Help: "Notifications that were given up and are kept."},
			sum(func(c fsm.OutboxCounts) int { return c.Dead }))),
	)
}
