package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/asctl/as/internal/cluster/peer"
)

func nullLogger() hclog.Logger { return hclog.NewNullLogger() }

// asideOf is the one directory with what was set aside.
func asideOf(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(dir + "/" + asidePrefix + "*")
	if err != nil || len(found) != 1 {
		t.Fatalf("set aside: %v, %v", found, err)
	}
	return found[0]
}

func TestDataThatIsSetAsideIsKeptAndNotUsed(t *testing.T) {
	for name, crash := range map[string]func(t *testing.T, dir string){
		"in one go": func(*testing.T, string) {},
		"with a crash before the log was moved": func(t *testing.T, dir string) {
			must(t, os.Rename(asideOf(t, dir)+"/raft.db", dir+"/raft.db"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filled(t)
			log, err := os.ReadFile(dir + "/raft.db")
			must(t, err)
			before, err := loadIdentity(fileIdentity{dir + "/identity"}, "")
			must(t, err)
			d := &directory{path: dir}
			must(t, d.takeLock())
			must(t, d.setAside("n1", "the data is damaged", time.Now()))
			must(t, d.close())
			crash(t, dir)

			for range 2 { // also when it starts again
				d, err = openDirectory(dir, "n1", nullLogger(), func(error) {})
				must(t, err)
				last, err := d.storage.lastIndex()
				if err != nil || last != 0 {
					t.Errorf("the log ends at %d, %v", last, err)
				}
				must(t, d.close())
			}
			id, err := loadIdentity(fileIdentity{dir + "/identity"}, "")
			must(t, err)
			if id.Phase != peer.Waiting || id.Cluster != before.Cluster || id.Lineage != before.Lineage ||
				id.Directory == before.Directory || id.Reason != "the data is damaged" {
				t.Errorf("%+v", id)
			}
			kept, err := os.ReadFile(asideOf(t, dir) + "/raft.db")
			if err != nil || string(kept) != string(log) {
				t.Errorf("the log was not kept: %v", err)
			}
		})
	}
}

func TestADamagedIdentityIsSetAsideWithTheRest(t *testing.T) {
	dir := filled(t)
	must(t, os.WriteFile(dir+"/identity", []byte("nonsense"), 0o600))
	_, err := openDirectory(dir, "n1", nullLogger(), func(error) {})
	var damaged *IdentityDamagedError
	if !errors.As(err, &damaged) {
		t.Fatalf("%v", err)
	}
	d := &directory{path: dir}
	must(t, d.takeLock())
	must(t, d.setAside("n1", damaged.Error(), time.Now()))
	must(t, d.close())
	id, err := loadIdentity(fileIdentity{dir + "/identity"}, "")
	must(t, err)
	if id.Phase != peer.Waiting || id.Cluster != "" {
		t.Errorf("%+v", id)
	}
	if b, err := os.ReadFile(asideOf(t, dir) + "/identity"); err != nil || string(b) != "nonsense" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestWhatSpeaksAgainstADirectory(t *testing.T) {
	known := remembered{Directory: "d1", Admitted: 5, Start: 3, Nonce: "c", Mark: 100}
	now := peer.Claim{Phase: peer.Member, Admitted: 5, Start: 4, Nonce: "d", Last: 120}
	for name, c := range map[string]struct {
		directory string
		change    func(c *peer.Claim)
		want      bool
	}{
		"the next start":                  {"d1", func(*peer.Claim) {}, false},
		"the same start":                  {"d1", func(c *peer.Claim) { c.Start, c.Nonce = 3, "c" }, false},
		"a tail that was never committed": {"d1", func(c *peer.Claim) { c.Last = 100 }, false},
		"a newer directory":               {"d2", func(c *peer.Claim) { c.Admitted, c.Start, c.Last = 110, 1, 0 }, false},
		"an older start":                  {"d1", func(c *peer.Claim) { c.Start = 2 }, true},
		"another copy's start":            {"d1", func(c *peer.Claim) { c.Start = 3 }, true},
		"an entry that it had is missing": {"d1", func(c *peer.Claim) { c.Last = 99 }, true},
		"a directory before the admitted": {"d0", func(c *peer.Claim) { c.Admitted = 0 }, true},
		"another directory":               {"d3", func(*peer.Claim) {}, true},
	} {
		claim := now
		c.change(&claim)
		got := known.against(peer.Identity{Node: "n1", Directory: c.directory}, claim)
		if (got != "") != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestTheNodeAllowsOthersToBeMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	initial := map[string]string{"n1": "a:1", "n2": "b:1", "n3": "c:1"}
	for want, without := range map[string][]string{
		`node "n9" is not in initial-cluster`:                                   {"n9"},
		`node "n1" cannot be left out by itself: run this on one of the others`: {"n1"},
	} {
		if err := AllowMissing(dir, "n1", initial, without); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
	must(t, AllowMissing(dir, "n1", initial, []string{"n3"}))
	n, err := New(Config{NodeID: "n1", DataDir: dir, RaftAddr: "a:1", InitialCluster: initial})
	must(t, err)
	if got := n.without(); len(got) != 1 || got[0] != "n3" {
		t.Errorf("%q", got)
	}
	if err := AllowMissing(filled(t), "n1", initial, []string{"n3"}); err == nil {
		t.Error("a node with data may found a cluster")
	}
}

func TestRaftIsRefusedFromADirectoryThatWasReplaced(t *testing.T) {
	n, err := New(Config{NodeID: "n1", RaftAddr: "a:1"})
	must(t, err)
	id := newIdentity("n1")
	id.Cluster, id.Lineage, id.Phase = "c", "l", peer.Member
	id.Peers = map[string]remembered{"n2": {Directory: "new", Admitted: 7}}
	n.self.open(new(memoryIdentity), id)
	of := func(directory string) peer.Identity {
		return peer.Identity{Cluster: "c", Lineage: "l", Node: "n2", Directory: directory}
	}
	must(t, n.accept(peer.KindRaft, of("new")))
	must(t, n.accept(peer.KindPeer, of("old"))) // there it learns why
	if n.accept(peer.KindRaft, of("old")) == nil {
		t.Error("the old directory is accepted")
	}
}
