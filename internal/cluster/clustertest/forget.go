package clustertest

import (
	"io"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster"
)

// Wipe takes all data from a member that does not run.
func (c *Cluster) Wipe(m *Member) {
	c.t.Helper()
	c.stopped(m)
	m.Storage = cluster.MemoryStorage()
}

// RollBack puts a copy of a member's data in its place, as Copy made it. The
// member must not run.
func (c *Cluster) RollBack(m *Member, older *cluster.Storage) {
	c.t.Helper()
	c.stopped(m)
	m.Storage = Copy(c.t, older)
}

func (c *Cluster) stopped(m *Member) {
	c.t.Helper()
	if m.Running() {
		c.t.Fatalf("node %s runs", m.ID)
	}
	c.Wait(m)
}

// Copy copies a storage in memory that no node uses at the time.
func Copy(t testing.TB, from *cluster.Storage) *cluster.Storage {
	t.Helper()
	to := cluster.MemoryStorage()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("copy a storage: %v", err)
		}
	}
	identity, err := from.Identity.Load()
	must(err)
	must(to.Identity.Save(identity))
	for _, key := range []string{"CurrentTerm", "LastVoteTerm"} {
		if v, err := from.Stable.GetUint64([]byte(key)); err == nil {
			must(to.Stable.SetUint64([]byte(key), v))
		}
	}
	if v, err := from.Stable.Get([]byte("LastVoteCand")); err == nil {
		must(to.Stable.Set([]byte("LastVoteCand"), v))
	}
	first, err := from.Logs.FirstIndex()
	must(err)
	last, err := from.Logs.LastIndex()
	must(err)
	for i := first; i != 0 && i <= last; i++ {
		var l raft.Log
		must(from.Logs.GetLog(i, &l))
		must(to.Logs.StoreLog(&l))
	}
	snapshots, err := from.Snapshots.List()
	must(err)
	for _, s := range snapshots {
		meta, r, err := from.Snapshots.Open(s.ID)
		must(err)
		sink, err := to.Snapshots.Create(meta.Version, meta.Index, meta.Term, meta.Configuration, meta.ConfigurationIndex, nil)
		must(err)
		_, err = io.Copy(sink, r)
		must(err)
		must(sink.Close())
		must(r.Close())
	}
	return to
}
