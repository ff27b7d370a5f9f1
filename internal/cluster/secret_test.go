package cluster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/bubble"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/clustertest"
	"github.com/asctl/as/internal/cluster/peer"
)

// The three rounds of docs/operations.md.
func TestTheSecretIsReplacedWhileTheClusterServes(t *testing.T) {
	secrets := func(lines ...string) peer.Secrets {
		s, err := peer.ParseSecrets(strings.Join(lines, "\n"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const before, after = "the secret that was before", "the secret that comes after"
	bubble.Test(t, func(t *testing.T) {
		has := map[string]peer.Secrets{}
		for _, id := range []string{"n1", "n2", "n3"} {
			has[id] = secrets(before)
		}
		c := clustertest.New(t, clustertest.Options{Configure: func(cfg *cluster.Config) { cfg.Secrets = has[cfg.NodeID] }})
		value := "0"
		c.Write(put("x", value))
		for _, list := range [][]string{{before, after}, {after, before}, {after}} {
			for _, m := range c.Members {
				has[m.ID] = secrets(list...)
				c.Restart(m)
				c.Eventually(m.ID+" is ready", func() bool { ok, _ := m.Ready(); return ok })
				value += "i"
				c.Write(put("x", value))
			}
		}
		c.EnsureSame()

		// Without the new one a node takes no part, and both ends say why.
		late := c.Members[0]
		has[late.ID] = secrets(before)
		c.Restart(late)
		time.Sleep(10 * time.Second)
		c.Write(put("x", "without "+late.ID))
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if late.Do(ctx, put("x", "by "+late.ID)) == nil {
			t.Error("a node with another secret wrote")
		}
		for _, m := range c.Members {
			if warnings := strings.Join(m.Status().Warnings, "\n"); !strings.Contains(warnings, "cluster-secret must be the same on all nodes") {
				t.Errorf("%s warns: %q", m.ID, warnings)
			}
		}
		has[late.ID] = secrets(after)
		c.Restart(late)
		c.EnsureSame()
	})
}
