package cluster

import (
	"sync"

	gometrics "github.com/hashicorp/go-metrics"
	gometricsprom "github.com/hashicorp/go-metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the node's own; Raft's come by raftMetrics.
type metrics struct {
	entrySize    prometheus.Histogram
	entryCalls   prometheus.Histogram
	commit       prometheus.Histogram
	refused      prometheus.Counter
	terms        prometheus.Counter
	campaigns    prometheus.Counter
	stuck        prometheus.Counter
	reliefs      prometheus.Counter
	mutes        prometheus.Counter
	diskFailures prometheus.Counter
	digests      prometheus.Counter
}

func newMetrics() *metrics {
	return &metrics{
		entrySize: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "autoscaling_cluster_entry_bytes", Help: "Size of the proposed log entries.",
			Buckets: prometheus.ExponentialBuckets(256, 4, 9),
		}),
		entryCalls: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "autoscaling_cluster_entry_functions", Help: "Changes that went into one log entry.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "autoscaling_cluster_commit_seconds", Help: "From proposing a batch to its being applied.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autoscaling_cluster_refused_total", Help: "Changes refused because too many were waiting.",
		}),
		terms: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autoscaling_cluster_leaderships_total", Help: "Terms that this node has led.",
		}),
		campaigns: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autoscaling_cluster_campaigns_total", Help: "Campaigns because the leader was gone.",
		}),
		diskFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autoscaling_cluster_disk_failures_total", Help: "Writes to the data directory that failed; after each it is opened anew.",
		}),
		reliefs: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autoscaling_cluster_reliefs_total", Help: "Hand-overs of leadership because this node ran short of space or descriptors.",
		}),
		digests: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autoscaling_cluster_digests_total", Help: "Digests that this node took of its state, for the comparison with the other nodes.",
		}),
		mutes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autoscaling_cluster_mutes_total", Help: "Times that this node stopped taking part because it could not write.",
		}),
		stuck: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "autoscaling_cluster_replication_restarts_total", Help: "Followers whose connections were closed because they acknowledged nothing.",
		}),
	}
}

// raftMetrics is where Raft's metrics arrive. Raft knows one place for the whole
// process: every registry shows the same.
var raftMetrics = sync.OnceValues(func() (prometheus.Collector, error) {
	sink, err := gometricsprom.NewPrometheusSinkFrom(gometricsprom.PrometheusOpts{
		Name: "raft", Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		return nil, err
	}
	cfg := gometrics.DefaultConfig("")
	cfg.EnableHostname = false
	cfg.EnableRuntimeMetrics = false // Go's own collector has them, and this one leaks a goroutine
	_, err = gometrics.NewGlobal(cfg, sink)
	return sink, err
})

// register registers the node's metrics and Raft's. A nil registerer: nothing.
func (n *Node) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	raftCollector, err := raftMetrics()
	if err != nil {
		return err
	}
	m := n.metrics
	for _, c := range []prometheus.Collector{
		m.entrySize, m.entryCalls, m.commit, m.refused, m.terms, m.campaigns, m.stuck, m.mutes, m.diskFailures, m.reliefs, m.digests, raftCollector,
		n.gauge("autoscaling_cluster_leader", "1 while this node leads and accepts writes.", n.leads),
		n.gauge("autoscaling_cluster_muted", "1 while this node takes no part because it cannot write.", n.muted),
		n.gauge("autoscaling_cluster_low", "1 while this node runs short of disk space or descriptors.", func() bool { return len(n.conditions.all()) > 0 }),
		n.gauge("autoscaling_cluster_state_differs", "1 while the states of two nodes differ at the same place of the log.",
			func() bool { return n.digests.difference() != "" }),
		n.gauge("autoscaling_cluster_ready", "1 while this node can serve.", func() bool { ok, _ := n.Ready(); return ok }),
	} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) gauge(name, help string, f func() bool) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
		if f() {
			return 1
		}
		return 0
	})
}
