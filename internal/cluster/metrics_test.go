package cluster_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
)

// TestRaftsMetricsAppear runs in a process of its own: Raft has one place for
// its metrics, and other tests live in another century.
func TestRaftsMetricsAppear(t *testing.T) {
	if os.Getenv("CLUSTER_TEST_METRICS") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRaftsMetricsAppear$", "-test.v")
		cmd.Env = append(os.Environ(), "CLUSTER_TEST_METRICS=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: TestRaftsMetricsAppear") {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	registry := prometheus.NewRegistry()
	c := clustertest.New(t, clustertest.Options{Nodes: 1, TCP: true, Configure: func(cfg *cluster.Config) { cfg.Metrics = registry }})
	c.Write(put("x", "1"))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, f := range families {
		have[f.GetName()] = true
	}
	for _, want := range []string{
		"raft_apply", "raft_commitTime", "raft_leader_dispatchLog", // only with the build tag hashicorpmetrics
		"autoscaling_cluster_leader", "autoscaling_cluster_ready", "autoscaling_cluster_entry_bytes",
		"autoscaling_cluster_entry_functions", "autoscaling_cluster_commit_seconds",
		"autoscaling_cluster_leaderships_total", "autoscaling_cluster_campaigns_total", "autoscaling_cluster_refused_total",
	} {
		if !have[want] {
			t.Errorf("no %s", want)
		}
	}
}
