package cluster_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/integrity"
	"github.com/asctl/as/test/cluster/nodes"
)

// badServers starts servers that must not start. The cluster goes on meanwhile,
// and the node that was damaged comes back with what it had.
func (w *world) badServers(each func(name string, run func(t *testing.T))) {
	n := w.Followers(w.leader())[0]
	ports, err := nodes.FreePorts(4)
	if err != nil {
		w.Fatal(err)
	}
	config := w.edit(n, func(text string) string { return text })
	// another is the same node with addresses and a directory of its own.
	another := strings.NewReplacer(n.GRPC, ports[0], n.HTTP, ports[1], "raft-addr: "+n.Raft, "raft-addr: "+ports[2], n.Balancer, ports[3],
		filepath.Join(n.Dir, "data"), filepath.Join(n.Dir, "data-of-another")).Replace(config)

	for _, c := range []struct {
		name, old, new string
		code           int
		want           []string
	}{
		{"unknown key", "data-dir:", "data-dri:", 2, []string{"bad-server.yaml", "[2:1]", `unknown field "data-dri"`}},
		{"unknown key of a provider", "type: sim,", "type: sim, lunch-delay: 1s,", 2, []string{"bad-server.yaml", "lunch-delay"}},
		{"unknown type of provider", "type: sim,", "type: skynet,", 2, []string{"skynet", "process, sim"}},
		{"broken YAML", "node-id:", "node-id: [", 2, []string{"bad-server.yaml"}},
		{"bad node id", "node-id: " + n.ID, "node-id: No-1", 2, []string{"node-id", "No-1"}},
		{"beyond loopback", "grpc-addr: 127.0.0.1", "grpc-addr: 0.0.0.0", 2, []string{"grpc-addr", "--insecure"}},
		{"simulator without directory", ", directory: " + w.Dir + "/sim", "", 2, []string{"providers.compute.sim.directory"}},
	} {
		each("asserver: "+c.name, func(t *testing.T) {
			file := w.file("bad-server.yaml", strings.Replace(another, c.old, c.new, 1))
			out, code := w.command(asserver(), "--config", file)
			expect(t, out, code, c.code, c.want)
			out, code = w.command(asserver(), "validate", "--config", file)
			expect(t, out, min(code, 1), 1, c.want)
		})
	}

	for _, c := range []struct {
		name, old, new string
		want           []string
	}{
		{"gRPC port in use", ports[0], n.GRPC, []string{"grpc-addr", n.GRPC, "in use"}},
		{"HTTP port in use", ports[1], n.HTTP, []string{"http-addr", n.HTTP, "in use"}},
		{"Raft port in use", "raft-addr: " + ports[2], "raft-addr: " + n.Raft, []string{"raft", n.Raft, "in use"}},
		{"data directory in use", "data-of-another", "data", []string{filepath.Join(n.Dir, "data"), "in use", fmt.Sprint(n.Pid())}},
		{"second node with the same id", "", "", []string{`"` + n.ID + `"`, "in use", n.Raft}},
	} {
		each("asserver: "+c.name, func(t *testing.T) {
			out, code := w.command(asserver(), "--config", w.file("bad-server.yaml", strings.Replace(another, c.old, c.new, 1)))
			expect(t, out, code, 1, c.want)
		})
	}

	data := filepath.Join(n.Dir, "data")
	for _, c := range []struct {
		name   string
		damage func() error
		want   []string
	}{
		{"truncated log", func() error {
			// What Bolt has not used yet may be cut off.
			return os.Truncate(filepath.Join(data, "raft.db"), 16384)
		}, []string{"raft.db", "truncated", "16384"}},
		{"empty log", func() error { return os.Truncate(filepath.Join(data, "raft.db"), 0) }, []string{"raft.db", "truncated"}},
		{"missing log", func() error { return os.Remove(filepath.Join(data, "raft.db")) }, []string{"raft.db", "missing"}},
		{"truncated journal", func() error { return os.Truncate(filepath.Join(data, "journal-0"), 100000) }, []string{"journal-0", "truncated", "100000"}},
		{"missing journal", func() error { return os.Remove(filepath.Join(data, "journal-1")) }, []string{"journal-1", "missing"}},
		{"snapshot that is no snapshot", func() error { return plantSnapshot(data, n, "nonsense", false) }, []string{"snapshot"}},
	} {
		each("asserver: "+c.name, func(t *testing.T) {
			n.Stop()
			healthy := data + "-healthy"
			if err := os.CopyFS(healthy, os.DirFS(data)); err != nil {
				t.Fatal(err)
			}
			if err := c.damage(); err != nil {
				t.Fatal(err)
			}
			out, code := w.command(asserver(), "--config", n.ConfigFile())
			expect(t, out, code, 1, c.want)
			// Nothing was made worse by trying: with the file back, the node is back.
			if err := os.RemoveAll(data); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(healthy, data); err != nil {
				t.Fatal(err)
			}
			w.restart()
		})
	}
}

// plantSnapshot writes a snapshot as Raft does, with something else in it, that
// claims more than the log has.
func plantSnapshot(data string, n *nodes.Node, content string, flip bool) error {
	files, err := raft.NewFileSnapshotStoreWithLogger(data, 2, hclog.NewNullLogger())
	if err != nil {
		return err
	}
	store := integrity.NewSnapshots(files, filepath.Join(data, "snapshots"))
	members := raft.Configuration{Servers: []raft.Server{{ID: raft.ServerID(n.ID), Address: raft.ServerAddress(n.Raft)}}}
	_, transport := raft.NewInmemTransport("") // the store encodes addresses by it
	sink, err := store.Create(raft.SnapshotVersionMax, 1<<40, 2, members, 1, transport)
	if err != nil {
		return err
	}
	if _, err := sink.Write([]byte(content)); err != nil {
		return err
	}
	if err := sink.Close(); err != nil || !flip {
		return err
	}
	state := filepath.Join(data, "snapshots", sink.ID(), "state.bin")
	text, err := os.ReadFile(state)
	if err != nil {
		return err
	}
	text[0] ^= 1
	return os.WriteFile(state, text, 0o600)
}
