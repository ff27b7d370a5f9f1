package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// lone is a cluster of one over TCP with a data directory.
func lone(t *testing.T, dir string) (*Node, func() error) {
	t.Helper()
	n, err := New(Config{NodeID: "n1", DataDir: dir, RaftAddr: "127.0.0.1:0", AdvertiseRaft: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	return n, func() error { cancel(); return <-done }
}

// write waits until the node leads.
func writeTo(t *testing.T, n *Node, id string) {
	t.Helper()
	for start := time.Now(); ; {
		err := n.Do(context.Background(), func(tx *fsm.Tx) error {
			tx.PutNode(&autoscaling.Node{ID: id, Version: "label of " + id})
			return nil
		})
		if err == nil {
			return
		}
		if time.Since(start) > 20*time.Second {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}

// filled is the data directory of a node that has a snapshot and entries.
func filled(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	n, stop := lone(t, dir)
	writeTo(t, n, "x")
	if err := n.raft.Load().Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	writeTo(t, n, "y")
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// refusal starts a node that must not start, and answers why.
func refusal(t *testing.T, dir string) string {
	t.Helper()
	n, err := New(Config{NodeID: "n1", DataDir: dir, RaftAddr: "127.0.0.1:0", AdvertiseRaft: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err = n.Run(ctx)
	if err == nil {
		t.Fatal("the node started")
	}
	return err.Error()
}

func TestANodeFindsItsDataAgain(t *testing.T) {
	dir := filled(t)
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	n, stop := lone(t, dir)
	writeTo(t, n, "z")
	for _, id := range []string{"x", "y", "z"} {
		if n.View().Node(id) == nil {
			t.Errorf("%s is lost", id)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestADataDirectoryServesOneProcess(t *testing.T) {
	dir := filled(t)
	n, stop := lone(t, dir)
	defer stop()
	writeTo(t, n, "z")
	got := refusal(t, dir)
	if want := fmt.Sprintf("data directory %s is in use by process %d", dir, os.Getpid()); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestDamagedDataIsRefusedWithAReason(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   string
	}{
		"another node's": {
			func(t *testing.T, dir string) {
				id := newIdentity("n2")
				must(t, saveIdentity(fileIdentity{dir + "/identity"}, id))
			},
			`belongs to node "n2", not to node "n1"`,
		},
		"another node's, of an earlier version": {
			func(t *testing.T, dir string) {
				must(t, os.Remove(dir+"/identity"))
				must(t, os.WriteFile(dir+"/node-id", []byte("n2\n"), 0o600))
			},
			`belongs to node "n2", not to node "n1"`,
		},
		"a bit of the identity flipped": {
			func(t *testing.T, dir string) {
				b, err := os.ReadFile(dir + "/identity")
				must(t, err)
				b[len(b)-3] ^= 4
				must(t, os.WriteFile(dir+"/identity", b, 0o600))
			},
			"/identity is damaged: its checksum is wrong",
		},
		"no identity": {
			func(t *testing.T, dir string) { must(t, os.Remove(dir+"/identity")) },
			"/identity is damaged: it is missing, and the log is not empty",
		},
		"the identity of an empty directory": {
			func(t *testing.T, dir string) {
				must(t, saveIdentity(fileIdentity{dir + "/identity"}, newIdentity("n1")))
			},
			"/identity is damaged: it is of a directory without data (FRESH), and the log is not empty",
		},
		"log truncated": {
			func(t *testing.T, dir string) { must(t, os.Truncate(dir+"/raft.db", 12<<10)) },
			"raft.db is truncated: it has 12288 bytes, its header says",
		},
		"log cut to almost nothing": {
			func(t *testing.T, dir string) { must(t, os.Truncate(dir+"/raft.db", 10)) },
			"it is truncated or not a log",
		},
		"log emptied": {
			func(t *testing.T, dir string) { must(t, os.Truncate(dir+"/raft.db", 0)) },
			"it is truncated or not a log",
		},
		"log missing": {
			func(t *testing.T, dir string) { must(t, os.Remove(dir+"/raft.db")) },
			"raft.db is missing",
		},
		"log replaced": {
			func(t *testing.T, dir string) {
				must(t, os.WriteFile(dir+"/raft.db", []byte(strings.Repeat("no log ", 10000)), 0o600))
			},
			"it is truncated or not a log",
		},
		"journal missing": {
			func(t *testing.T, dir string) { must(t, os.Remove(dir+"/journal-1")) },
			"journal-1 is missing",
		},
		"journal truncated": {
			func(t *testing.T, dir string) { must(t, os.Truncate(dir+"/journal-0", 8192)) },
			"journal-0 is truncated: it has 8192 bytes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			c.damage(t, dir)
			if got := refusal(t, dir); !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q in it", got, c.want)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestALogThatBeginsAfterTheSnapshotIsRefused(t *testing.T) {
	dir := filled(t)
	d, err := openDirectory(dir, "n1", hclog.NewNullLogger(), func(error) {})
	must(t, err)
	last, err := d.journal.LastIndex()
	must(t, err)
	must(t, d.journal.DeleteRange(1, last-1))
	must(t, d.close())
	must(t, os.RemoveAll(dir+"/snapshots"))
	if got := refusal(t, dir); !strings.Contains(got, "is incomplete: its newest readable snapshot ends at entry 0, its log begins at") {
		t.Errorf("%q", got)
	}
}

func TestAnEntryThatCannotBeAppliedStopsTheNode(t *testing.T) {
	dir := filled(t)
	n, stop := lone(t, dir)
	writeTo(t, n, "z")
	n.raft.Load().Apply([]byte("nonsense"), 0).Error()
	if err := stop(); err == nil || !strings.Contains(err.Error(), "cannot be applied") {
		t.Errorf("%v", err)
	}
	// The entry is still there.
	if got := refusal(t, dir); !strings.Contains(got, "cannot be applied") {
		t.Errorf("%q", got)
	}
}

func TestANewerLogIsNamed(t *testing.T) {
	var got error
	g := &guard{machine: fsm.NewMachine(), fatal: func(err error) { got = err }}
	g.stop(&fsm.UnreadableError{Index: 7, Older: true, Cause: fmt.Errorf("record kind 99")})
	if got == nil || !strings.HasPrefix(got.Error(), "this node is older than the log: ") {
		t.Errorf("%v", got)
	}
	if answers := g.ApplyBatch([]*raft.Log{{Index: 8}}); answers[0] != errNotApplied {
		t.Errorf("it applied another entry: %v", answers)
	}
}

func TestConfigurationIsRefusedWithAReason(t *testing.T) {
	base := Config{NodeID: "n1", RaftAddr: "127.0.0.1:0", AdvertiseRaft: "127.0.0.1:1"}
	for name, c := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"no id":      {func(c *Config) { c.NodeID = "" }, "no node id"},
		"no address": {func(c *Config) { c.RaftAddr = "" }, "no raft address"},
		"not a member": {
			func(c *Config) { c.InitialCluster = map[string]string{"n2": "127.0.0.1:2", "n3": "127.0.0.1:3"} },
			`node id "n1" is not in the initial cluster [n2 n3]`,
		},
		"another address": {
			func(c *Config) { c.InitialCluster = map[string]string{"n1": "127.0.0.1:9"} },
			`the initial cluster has node "n1" at 127.0.0.1:9, but it advertises 127.0.0.1:1`,
		},
		"one address twice": {
			func(c *Config) { c.InitialCluster = map[string]string{"n1": "127.0.0.1:1", "n2": "127.0.0.1:1"} },
			`initial cluster: "n1" and "n2" have the same address`,
		},
		"no port": {
			func(c *Config) { c.InitialCluster = map[string]string{"n1": "127.0.0.1:1", "n2": "localhost"} },
			`initial cluster: address of "n2"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := base
			c.change(&cfg)
			n, err := New(cfg)
			if err == nil {
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				err = n.Run(ctx)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestAPortInUseIsNamed(t *testing.T) {
	taken, err := tcp{}.Listen("127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	n, err := New(Config{NodeID: "n1", RaftAddr: taken.Addr().String()})
	must(t, err)
	err = n.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "raft address: listen tcp "+taken.Addr().String()) ||
		!strings.Contains(err.Error(), "address already in use") {
		t.Errorf("%v", err)
	}
}

func TestTheInitialClusterIsIgnoredOnceThereIsData(t *testing.T) {
	dir := filled(t)
	n, err := New(Config{
		NodeID: "n1", DataDir: dir, RaftAddr: "127.0.0.1:0", AdvertiseRaft: "127.0.0.1:1",
		InitialCluster: map[string]string{"n7": "127.0.0.1:2", "n8": "127.0.0.1:3"},
	})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	writeTo(t, n, "z")
	cancel()
	must(t, <-done)
}

// After a write that failed nothing is known of the disk before it was read
// again: until then the node answers from memory, and takes part in nothing.
func TestANodeWhoseJournalCannotBeWrittenOpensItAgain(t *testing.T) {
	dir := filled(t) // it has a snapshot, which must not bring old state back
	n, err := New(Config{NodeID: "n1", DataDir: dir, RaftAddr: "127.0.0.1:0", AdvertiseRaft: "127.0.0.1:1"})
	must(t, err)
	n.reopenEvery = 300 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	writeTo(t, n, "w")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	must(t, err)
	defer full.Close()
	fds, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	for _, entry := range fds {
		fd, _ := strconv.Atoi(entry.Name())
		if path, _ := os.Readlink("/proc/self/fd/" + entry.Name()); strings.HasPrefix(path, dir+"/journal-") {
			must(t, unix.Dup3(int(full.Fd()), fd, unix.O_CLOEXEC))
		}
	}
	err = n.Do(t.Context(), func(tx *fsm.Tx) error { tx.PutNode(&autoscaling.Node{ID: "lost"}); return nil })
	if err == nil {
		t.Error("what was not stored was acknowledged")
	}
	if ok, reasons := n.Ready(); ok || !strings.Contains(fmt.Sprint(reasons), "write the journal: ") || !strings.Contains(fmt.Sprint(reasons), "no space left") {
		t.Errorf("ready: %t, %q", ok, reasons)
	}
	if n.View().Node("w") == nil || n.View().Node("lost") != nil {
		t.Error("the state in memory is not what was acknowledged")
	}
	writeTo(t, n, "z") // waits until the node leads again
	stop()
	must(t, <-done)
	n, err = New(Config{NodeID: "n1", DataDir: dir, RaftAddr: "127.0.0.1:0", AdvertiseRaft: "127.0.0.1:1"})
	must(t, err)
	ctx, stop = context.WithCancel(t.Context())
	go func() { done <- n.Run(ctx) }()
	writeTo(t, n, "after a restart")
	for _, id := range []string{"w", "z"} {
		if n.View().Node(id) == nil {
			t.Errorf("%s is lost", id)
		}
	}
	stop()
	must(t, <-done)
}
