package main

import "github.com/spf13/cobra"

func newMetric(a *app) *cobra.Command {
	c := newBranch("metric", "Metrics: samples that alarms look at", newMetricPut(a, nil), newMetricQuery(a, nil))
	c.Aliases = []string{"metrics"}
	return c
}
