package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/test/cluster/nodes"
)

// forgetful is a cluster whose nodes lose their data while they are stopped.
type forgetful struct {
	*testing.T
	*nodes.Cluster
}

// startForgetful starts all nodes but those named.
func startForgetful(t *testing.T, but ...int) forgetful {
	t.Helper()
	t.Parallel()
	c, err := nodes.New(nodes.Options{Binary: asserver(), Dir: t.TempDir(), Providers: simProviders(0)})
	if err != nil {
		t.Fatal(err)
	}
	w := forgetful{t, c}
	t.Cleanup(func() {
		c.Stop()
		for _, n := range c.Nodes {
			if b, err := os.ReadFile(n.LogFile()); err == nil && t.Failed() {
				t.Logf("%s\n%s", n.ID, b)
			}
		}
	})
	for i, n := range c.Nodes {
		skip := false
		for _, other := range but {
			skip = skip || other == i
		}
		if !skip {
			w.run(n)
		}
	}
	return w
}

func (w forgetful) run(n *nodes.Node) {
	w.Helper()
	if err := n.Start(); err != nil {
		w.Fatal(err)
	}
}

func data(n *nodes.Node) string { return filepath.Join(n.Dir, "data") }

func (w forgetful) wipe(n *nodes.Node) {
	w.Helper()
	if err := os.RemoveAll(data(n)); err != nil {
		w.Fatal(err)
	}
}

// copyOf copies a stopped node's data.
func (w forgetful) copyOf(n *nodes.Node) string {
	w.Helper()
	to := filepath.Join(w.TempDir(), n.ID)
	if err := os.CopyFS(to, os.DirFS(data(n))); err != nil {
		w.Fatal(err)
	}
	return to
}

func (w forgetful) rollBack(n *nodes.Node, older string) {
	w.Helper()
	w.wipe(n)
	if err := os.CopyFS(data(n), os.DirFS(older)); err != nil {
		w.Fatal(err)
	}
}

// put tries to create a configuration through the node.
func (w forgetful) put(n *nodes.Node, id string) error {
	ctx, cancel := context.WithTimeout(w.Context(), 2*time.Second)
	defer cancel()
	url := "http://" + n.HTTP + "/v1/namespaces/default/configurations?configurationId=" + id
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(`{"provider":"sim"}`)))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusConflict {
		return fmt.Errorf("%s: %s %v", answer.Status, text, err)
	}
	return nil
}

func (w forgetful) eventually(what string, check func() error) {
	w.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	w.Fatalf("%s: %v", what, err)
}

func (w forgetful) mustPut(n *nodes.Node, id string) {
	w.Helper()
	w.eventually("create configuration "+id, func() error { return w.put(n, id) })
}

// has reads, linearizably, whether a configuration exists.
func (w forgetful) has(n *nodes.Node, id string) error {
	return n.Get(w.Context(), "/v1/namespaces/default/configurations/"+id, nil)
}

// servesNothing fails when any of the nodes acknowledges a change for a while.
func (w forgetful) servesNothing(list ...*nodes.Node) {
	w.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		for _, n := range list {
			if w.put(n, "forgetful") == nil {
				w.Fatalf("%s acknowledged a change", n.ID)
			}
		}
	}
}

// warns waits until the node's readiness or its view of the cluster has the text.
func (w forgetful) warns(n *nodes.Node, text string) {
	w.Helper()
	w.eventually(n.ID+" says "+text, func() error {
		var status struct {
			Warnings []string `json:"warnings"`
		}
		if err := n.Get(w.Context(), "/v1/cluster", &status); err != nil {
			return err
		}
		ready := n.Get(w.Context(), "/readyz", nil)
		if all := fmt.Sprint(status.Warnings, ready); !strings.Contains(all, text) {
			return fmt.Errorf("it says %s", all)
		}
		return nil
	})
}

// votesAgain waits until no node is told not to vote.
func (w forgetful) votesAgain() {
	w.Helper()
	for _, n := range w.Nodes {
		w.eventually("all vote, says "+n.ID, func() error {
			var status struct {
				Warnings []string `json:"warnings"`
			}
			if err := n.Get(w.Context(), "/v1/cluster", &status); err != nil {
				return err
			}
			if text := fmt.Sprint(status.Warnings); strings.Contains(text, "vote") {
				return fmt.Errorf("%s", text)
			}
			return n.Get(w.Context(), "/readyz", nil)
		})
	}
}

// What n1 and n3 acknowledged while n2 was away is not lost when n3 comes back
// without it, or with an older copy, and meets n2 first.
func TestANodeThatForgotDoesNotVote(t *testing.T) {
	for name, rolledBack := range map[string]bool{"wiped": false, "an older copy": true} {
		t.Run(name, func(t *testing.T) {
			w := startForgetful(t)
			n1, n2, n3 := w.Nodes[0], w.Nodes[1], w.Nodes[2]
			w.mustPut(n1, "first")
			older := ""
			if rolledBack {
				w.eventually("all are ready", func() error { return n3.Get(t.Context(), "/readyz", nil) })
				n3.Stop()
				older = w.copyOf(n3)
				w.run(n3)
			}
			for _, n := range w.Nodes {
				w.eventually("all are ready", func() error { return n.Get(t.Context(), "/readyz", nil) })
			}
			n2.Stop()
			for i := range 5 {
				w.mustPut(n1, fmt.Sprintf("c%d", i))
			}
			n3.Stop()
			n1.Kill()
			if rolledBack {
				w.rollBack(n3, older)
			} else {
				w.wipe(n3)
			}
			w.run(n3)
			w.run(n2)
			w.servesNothing(n2, n3)
			w.warns(n3, "n2 has it; n3 lost it; n1 cannot be reached. Start n1")
			w.run(n1)
			for i := range 5 {
				w.eventually("it is still there", func() error { return w.has(n2, fmt.Sprintf("c%d", i)) })
			}
			w.warns(n1, "may lose 0 nodes")
			w.votesAgain()
			n1.Kill()
			w.mustPut(n3, "last")
		})
	}
}

// Two of three directories are removed. Nothing is served, and the third one's
// data is as it was.
func TestAMajorityThatForgotIsSaidToHaveForgotten(t *testing.T) {
	w := startForgetful(t)
	n1, n2, n3 := w.Nodes[0], w.Nodes[1], w.Nodes[2]
	w.mustPut(n1, "first")
	for _, n := range w.Nodes {
		w.eventually("all have it", func() error {
			return n.Get(t.Context(), "/v1/namespaces/default/configurations/first?consistency=STALE", nil)
		})
	}
	w.Stop()
	kept := w.copyOf(n1)
	w.wipe(n1)
	w.wipe(n2)
	w.run(n1)
	w.run(n2)
	w.warns(n1, "no cluster is founded while n3 of initial-cluster cannot be reached")
	w.run(n3)
	w.servesNothing(w.Nodes...)
	for _, n := range w.Nodes {
		w.warns(n, "n3 has it; n1, n2 lost it. Nothing is served until the data directory of 1 of n1, n2 is back")
	}
	n1.Stop()
	w.rollBack(n1, kept)
	w.run(n1)
	w.eventually("it is still there", func() error { return w.has(n1, "first") })
	w.votesAgain()
}

// A node of another cluster, whose log looks alike, stands aside.
func TestClustersDoNotMix(t *testing.T) {
	w := startForgetful(t)
	n1, n2, n3 := w.Nodes[0], w.Nodes[1], w.Nodes[2]
	w.mustPut(n1, "first")
	w.Stop()
	other := w.copyOf(n3)
	for _, n := range w.Nodes {
		w.wipe(n)
		w.run(n)
	}
	w.mustPut(n1, "second")
	n3.Stop()
	w.rollBack(n3, other)
	w.run(n3)
	w.warns(n3, "belongs to cluster")
	w.warns(n1, "belongs to cluster")
	w.mustPut(n2, "third")
	if n3.Get(t.Context(), "/readyz", nil) == nil {
		t.Error("n3 is ready")
	}
	if err := n3.Get(t.Context(), "/v1/namespaces/default/configurations/third?consistency=STALE", nil); err == nil {
		t.Error("n3 took an entry of the other cluster")
	}
}

// A person lets two nodes found the cluster; the third joins when it comes.
func TestAClusterIsFoundedWithoutANodeOnPurpose(t *testing.T) {
	w := startForgetful(t, 2)
	n1, n2, n3 := w.Nodes[0], w.Nodes[1], w.Nodes[2]
	w.warns(n2, `run "asserver bootstrap --without n3" on one of the others`)
	out, err := exec.Command(asserver(), "bootstrap", "--config", n2.ConfigFile(), "--without", "n3").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "WARNING: if n3 has data of a cluster") {
		t.Fatalf("%s %v", out, err)
	}
	w.mustPut(n1, "first")
	w.warns(n1, `node "n3" does not vote`)
	w.run(n3)
	w.votesAgain()
	n2.Kill()
	w.mustPut(n3, "second")
}
