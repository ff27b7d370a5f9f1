package builtin

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Outcomes of a request or connection, as labels: classes of status, or why
// there was none.
const (
	outcomeNoTarget = "no_target"
	outcomeFailed   = "failed"
	outcomePassed   = "passed" // a connection in tcp mode
)

var statusClasses = [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}

type metrics struct {
	requests *prometheus.CounterVec
	retries  *prometheus.CounterVec
	duration *prometheus.HistogramVec
	refused  *prometheus.CounterVec
}

// newMetrics registers on r; nil: they are counted and not shown.
func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "autoscaling_balancer_requests_total",
			Help: "Requests, or connections in tcp mode, by pool and outcome.",
		}, []string{"pool", "outcome"}),
		retries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "autoscaling_balancer_retries_total",
			Help: "Attempts on another target after one failed.",
		}, []string{"pool"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "autoscaling_balancer_request_duration_seconds",
			Help:    "From a request's headers to the end of its answer, or the life of a connection.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"pool"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "autoscaling_balancer_connections_refused_total",
			Help: "Connections closed because their source had as many as it may.",
		}, []string{"pool"}),
	}
	if r == nil {
		return m, nil
	}
	return m, errors.Join(r.Register(m.requests), r.Register(m.retries), r.Register(m.duration), r.Register(m.refused))
}

// poolMetrics are those of one pool, looked up once.
type poolMetrics struct {
	status   [len(statusClasses)]prometheus.Counter
	noTarget prometheus.Counter
	failed   prometheus.Counter
	passed   prometheus.Counter
	retries  prometheus.Counter
	duration prometheus.Observer
	refused  prometheus.Counter
}

func (m *metrics) of(pool string) poolMetrics {
	p := poolMetrics{
		noTarget: m.requests.WithLabelValues(pool, outcomeNoTarget),
		failed:   m.requests.WithLabelValues(pool, outcomeFailed),
		passed:   m.requests.WithLabelValues(pool, outcomePassed),
		retries:  m.retries.WithLabelValues(pool),
		duration: m.duration.WithLabelValues(pool),
		refused:  m.refused.WithLabelValues(pool),
	}
	for i, class := range statusClasses {
		p.status[i] = m.requests.WithLabelValues(pool, class)
	}
	return p
}

func (p *poolMetrics) answered(status int, begin time.Time) {
	if class := status/100 - 1; class >= 0 && class < len(p.status) {
		p.status[class].Inc()
	}
	p.duration.Observe(time.Since(begin).Seconds())
}
