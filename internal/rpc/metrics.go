package rpc

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
)

// callMetrics are the API's own.
type callMetrics struct {
	requests  *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	forwarded *prometheus.CounterVec
	watchers  prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *callMetrics {
	m := &callMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "autoscaling_rpc_requests_total", Help: "Calls that ended, by method and code.",
		}, []string{"method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "autoscaling_rpc_request_duration_seconds", Help: "How long calls took, streams included.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"method"}),
		forwarded: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "autoscaling_rpc_forwards_total", Help: "Calls handed to the leader, by outcome.",
		}, []string{"outcome"}),
		watchers: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "autoscaling_rpc_watchers", Help: "Watches of events that are open.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.requests, m.duration, m.forwarded, m.watchers)
	}
	return m
}

// methodMetrics are one method's, looked up once.
type methodMetrics struct {
	ok       prometheus.Counter
	others   *prometheus.CounterVec // by code
	duration prometheus.Observer
}

func (m *callMetrics) method(full string) methodMetrics {
	name := full[strings.LastIndexByte(full, '/')+1:]
	return methodMetrics{
		ok:       m.requests.WithLabelValues(name, codes.OK.String()),
		others:   m.requests.MustCurryWith(prometheus.Labels{"method": name}),
		duration: m.duration.WithLabelValues(name),
	}
}

func (m methodMetrics) ended(c codes.Code, took time.Duration) {
	if c == codes.OK {
		m.ok.Inc()
	} else {
		m.others.WithLabelValues(c.String()).Inc()
	}
	m.duration.Observe(took.Seconds())
}
