package cluster_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// marker is text that is easily found in the files of a node.
const marker = "aaaaaaaabbbbbbbbcccccccc"

// TestANodeWhoseDataIsDamagedIsTakenBack flips a bit of a stopped node's files:
// the node sets its data aside, has no vote until it has all that it had, and
// never shows another state than the others.
func TestANodeWhoseDataIsDamagedIsTakenBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(data string, n *nodes.Node) error
	}{
		{"an entry in the log", func(data string, _ *nodes.Node) error { return flipIn(filepath.Join(data, "raft.db"), []byte(marker)) }},
		{"a page header of the log", func(data string, _ *nodes.Node) error {
			return flipHeader(filepath.Join(data, "raft.db"), []byte(marker))
		}},
		{"the identity", func(data string, n *nodes.Node) error {
			return flipIn(filepath.Join(data, "identity"), []byte(n.ID))
		}},
		{"a snapshot", func(data string, n *nodes.Node) error { return plantSnapshot(data, n, "nonsense", true) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, nodes.Options{Providers: simProviders(0)})
			w.createConfiguration(&pb.Configuration{Provider: "sim", Env: map[string]string{"TEXT": marker}})
			w.createGroup("web", simGroup(0))
			n := w.Followers(w.leader())[0]
			data := filepath.Join(n.Dir, "data")
			n.Stop() // in good order: what it has is in its log file
			if err := c.damage(data, n); err != nil {
				t.Fatal(err)
			}
			w.restart()
			w.eventually("the node votes again and its old data is removed", func() error {
				if aside, _ := filepath.Glob(filepath.Join(data, "damaged-*")); len(aside) > 0 {
					return fmt.Errorf("%v is still there", aside)
				}
				return nil
			})
			got, err := w.at(n).configurations.GetConfiguration(context.Background(), &pb.GetConfigurationRequest{
				Name: namespace + "/configurations/web", Consistency: pb.Consistency_STALE})
			if err != nil || got.Env["TEXT"] != marker {
				t.Errorf("the node's own copy has %q: %v", got.GetEnv()["TEXT"], err)
			}
			log, err := os.ReadFile(n.LogFile())
			if err != nil || !strings.Contains(string(log), "set aside") {
				t.Errorf("the node's log does not say that its data is set aside: %v", err)
			}
		})
	}
}

// flipIn flips a bit in each place where the file has the text.
func flipIn(path string, text []byte) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Contains(content, text) {
		return fmt.Errorf("%s does not have %q", path, text)
	}
	for at := 0; ; {
		i := bytes.Index(content[at:], text)
		if i < 0 {
			return os.WriteFile(path, content, 0o600)
		}
		content[at+i] ^= 1
		at += i + len(text)
	}
}

// flipHeader flips a bit in the header of the page that has the text.
func flipHeader(path string, text []byte) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	at := bytes.Index(content, text)
	if at < 0 {
		return fmt.Errorf("%s does not have %q", path, text)
	}
	content[at/os.Getpagesize()*os.Getpagesize()+8] ^= 1 // the page's kind
	return os.WriteFile(path, content, 0o600)
}
