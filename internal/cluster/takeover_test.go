package cluster

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/cluster/peer"
)

// earlier unpacks a data directory that a version without identities wrote: one node, one
// configuration. It is never written anew.
func earlier(t *testing.T) string {
	t.Helper()
	f, err := os.Open("testdata/directory-v1.tar.gz")
	must(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	must(t, err)
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return filepath.Join(dir, "data")
		}
		must(t, err)
		path := filepath.Join(dir, filepath.Clean("/"+h.Name))
		if h.Typeflag == tar.TypeDir {
			must(t, os.MkdirAll(path, 0o700))
			continue
		}
		b, err := io.ReadAll(r)
		must(t, err)
		must(t, os.WriteFile(path, b, 0o600))
	}
}

const (
	earlierCluster = "4c59af7c-3876-498a-a636-a481f965b223"
	earlierAddress = "127.0.0.1:17973"
)

func TestTheIdentityOfAnEarlierVersionIsTakenOver(t *testing.T) {
	dir := earlier(t)
	lineage := ""
	for run := range 2 {
		n, err := New(Config{NodeID: "n1", DataDir: dir, RaftAddr: "127.0.0.1:0", AdvertiseRaft: earlierAddress})
		must(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- n.Run(ctx) }()
		writeTo(t, n, "x")
		v := n.View()
		if c := v.Cluster(); c == nil || c.ID != earlierCluster {
			t.Errorf("cluster %+v", c)
		}
		if c := v.ConfigurationByID("default", "old"); c == nil {
			t.Error("the configuration is lost")
		}
		id := n.self.get()
		if id.Cluster != earlierCluster || id.Lineage != lineageOf(earlierCluster) || id.Phase != peer.Member || id.Start != uint64(run+1) {
			t.Errorf("identity %+v", id)
		}
		for start := time.Now(); v.Node("n1") == nil || v.Node("n1").Directory != id.Directory; v = n.View() {
			if time.Since(start) > 20*time.Second {
				t.Fatal("the state has no directory of the node")
			}
			time.Sleep(time.Millisecond)
		}
		if lineage != "" && lineage != id.Lineage {
			t.Errorf("lineage went from %s to %s", lineage, id.Lineage)
		}
		lineage = id.Lineage
		cancel()
		must(t, <-done)
	}
	if _, err := os.Stat(dir + "/node-id"); err == nil {
		t.Error("node-id is still there")
	}
}

// Nothing says which cluster it belongs to: it must not found one, nor join any.
func TestADirectoryOfAnEarlierVersionWithoutAClusterIsRefused(t *testing.T) {
	dir := earlier(t)
	d, err := openDirectory(dir, "n1", nullLogger(), func(error) {})
	must(t, err)
	last, err := d.storage.Logs.LastIndex()
	must(t, err)
	must(t, d.storage.Logs.DeleteRange(2, last))
	must(t, d.close())
	must(t, os.Remove(dir+"/identity"))
	must(t, os.WriteFile(dir+"/node-id", []byte("n1\n"), 0o600))
	if got := refusal(t, dir); !strings.Contains(got, "neither snapshot nor log says which cluster it belongs to") {
		t.Errorf("%q", got)
	}
}
