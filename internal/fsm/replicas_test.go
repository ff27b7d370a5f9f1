package fsm

import (
	"bytes"
	"errors"
	"testing"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"github.com/asctl/as/internal/autoscaling"
)

// cluster is a log with replicas that get there in different ways.
type cluster struct {
	log       [][]byte
	leader    *Machine // prepares, so it mostly does not decode
	rival     *Machine // prepares sometimes, mostly decodes
	ids       countedIDs
	now       autoscaling.Time
	term      uint64
	sealed    [][]byte // by the leader, not in the log
	remembers []remembered
}

// remembered is an old view with what it showed when it was new.
type remembered struct {
	view View
	dump string
}

// prepare seals a batch of random functions, of which some fail.
func (c *cluster) prepare(t *rapid.T, m *Machine, term uint64) []byte {
	c.now += autoscaling.Time(rapid.IntRange(-2, 1000).Draw(t, "pass")) // the clock may stand or step back
	b := m.Begin(term, c.now, &c.ids)
	for range rapid.IntRange(1, 4).Draw(t, "functions") {
		runAny(t, b)
	}
	if b.Empty() && rapid.Bool().Draw(t, "do not seal") {
		return nil
	}
	entry, err := b.Seal()
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

// runAny runs a function that succeeds, fails or panics, and checks that the
// state is as before unless it succeeded.
func runAny(t *rapid.T, b *Batch) {
	end := rapid.SampledFrom([]string{"success", "success", "success", "error", "panic"}).Draw(t, "end")
	before, shown := stateBytes(t, b.st), dump(Reader{b.st})
	defer func() {
		if p := recover(); p != nil && p != "on purpose" {
			panic(p)
		}
		// What it shows as well: the indexes are not among the bytes.
		if end != "success" && (!bytes.Equal(stateBytes(t, b.st), before) || dump(Reader{b.st}) != shown) {
			t.Fatalf("a function that ended with %s left something behind:\n%s", end, dump(Reader{b.st}))
		}
	}()
	err := b.Run(func(tx *Tx) error {
		for range rapid.IntRange(0, 6).Draw(t, "writes") {
			anyWrite(t, tx)
		}
		switch end {
		case "error":
			return errFailing
		case "panic":
			panic("on purpose")
		}
		return nil
	})
	if (err != nil) != (end == "error") {
		t.Fatal(err)
	}
}

func stateBytes(t tb, st *state) []byte {
	var to bytes.Buffer
	if err := st.writeSnapshot(&to); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

// commit gives an entry to every replica; it may be skipped, by all or none.
func (c *cluster) commit(t *rapid.T, entry []byte) {
	c.log = append(c.log, entry)
	index := uint64(len(c.log))
	one := c.leader.Apply(&raft.Log{Index: index, Data: entry}).(Result)
	other := c.rival.Apply(&raft.Log{Index: index, Data: entry}).(Result)
	if one != other || one.Err != nil {
		t.Fatalf("results are %+v and %+v", one, other)
	}
}

// TestReplicasStayEqualHoweverTheyGetThere drives a preparing leader, a rival
// and the log at random: functions that fail, batches in flight, discards,
// entries that come late or never, two leaders at a time. Whoever prepared,
// decoded, replayed or restored shows the same and has the same bytes, and no
// view ever changes.
func TestReplicasStayEqualHoweverTheyGetThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &cluster{leader: NewMachine(), rival: NewMachine(), now: 1_000_000, term: 1}
		c.leader.Paranoid()
		t.Repeat(map[string]func(*rapid.T){
			"prepare": func(t *rapid.T) {
				if len(c.sealed) < 3 {
					if entry := c.prepare(t, c.leader, c.term); entry != nil {
						c.sealed = append(c.sealed, entry)
					}
				}
			},
			"commit": func(t *rapid.T) {
				if len(c.sealed) > 0 {
					c.commit(t, c.sealed[0])
					c.sealed = c.sealed[1:]
				}
			},
			"commit again": func(t *rapid.T) {
				if len(c.log) > 0 {
					c.commit(t, c.log[rapid.IntRange(0, len(c.log)-1).Draw(t, "entry")])
				}
			},
			"discard": func(t *rapid.T) {
				c.leader.Discard()
				if rapid.Bool().Draw(t, "lost") { // else what was proposed comes later
					c.sealed = nil
				}
			},
			"rival writes": func(t *rapid.T) {
				c.term++
				if entry := c.prepare(t, c.rival, c.term); entry != nil {
					c.commit(t, entry)
				}
				c.rival.Discard()
				c.term++
			},
			"restart": func(t *rapid.T) {
				c.rival = restored(t, snapshotOf(t, c.rival))
			},
			"look": func(t *rapid.T) {
				v := c.leader.View()
				c.remembers = append(c.remembers, remembered{v, dump(v.Reader)})
			},
			"": func(t *rapid.T) { c.checkBytes(t) },
		})
		c.checkIndexes(t)
		c.checkReplays(t)
	})
}

func (c *cluster) checkBytes(t *rapid.T) {
	if !bytes.Equal(snapshotOf(t, c.leader), snapshotOf(t, c.rival)) {
		t.Fatalf("leader\n%s\nrival\n%s", dump(c.leader.View().Reader), dump(c.rival.View().Reader))
	}
}

// checkIndexes compares what replicas show with what a state shows that was made
// anew from the records.
func (c *cluster) checkIndexes(t *rapid.T) {
	leader := snapshotOf(t, c.leader)
	again := restored(t, leader)
	if !bytes.Equal(leader, snapshotOf(t, again)) {
		t.Fatal("a restored snapshot has other bytes")
	}
	want := dump(again.View().Reader)
	for name, m := range map[string]*Machine{"leader": c.leader, "rival": c.rival} {
		if got := dump(m.View().Reader); got != want {
			t.Fatalf("%s shows\n%s\nand made anew from its records\n%s", name, got, want)
		}
	}
	for _, old := range c.remembers {
		if dump(old.view.Reader) != old.dump {
			t.Fatal("an old view has changed")
		}
	}
}

// checkReplays compares replay of the whole log with replay of its rest on a
// snapshot in between.
func (c *cluster) checkReplays(t *rapid.T) {
	middle := rapid.IntRange(0, len(c.log)).Draw(t, "middle")
	whole := NewMachine()
	var rest *Machine
	for n, entry := range c.log {
		if n == middle {
			rest = restored(t, snapshotOf(t, whole))
		}
		whole.Apply(&raft.Log{Data: entry})
		if rest != nil {
			rest.Apply(&raft.Log{Data: entry})
		}
	}
	want := snapshotOf(t, c.leader)
	if !bytes.Equal(want, snapshotOf(t, whole)) {
		t.Fatal("replay differs")
	}
	if rest != nil && !bytes.Equal(want, snapshotOf(t, rest)) {
		t.Fatal("snapshot and replay differs")
	}
	batch := NewMachine()
	var logs []*raft.Log
	for _, entry := range c.log {
		logs = append(logs, &raft.Log{Data: entry})
	}
	batch.ApplyBatch(logs)
	if !bytes.Equal(want, snapshotOf(t, batch)) {
		t.Fatal("replay as one batch differs")
	}
}

func TestBatchWhoseStateWasDroppedCannotBeSealed(t *testing.T) {
	for name, drop := range map[string]func(l *leader){
		"discard": func(l *leader) { l.m.Discard() },
		"foreign entry": func(l *leader) {
			other := restored(t, snapshotOf(t, l.m))
			b := other.Begin(2, l.now, &l.ids)
			if err := b.Run(func(tx *Tx) error { tx.PutNode(&autoscaling.Node{ID: "n2"}); return nil }); err != nil {
				t.Fatal(err)
			}
			applyEntry(t, l.m, l.seal(b))
		},
		"restore":     func(l *leader) { _ = l.m.Restore(nopCloser{bytes.NewReader(snapshotOf(t, l.m))}) },
		"newer batch": func(l *leader) { l.m.Begin(1, l.now, &l.ids) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLeader(t)
			l.putGroup("web")
			b := l.m.Begin(1, l.now, &l.ids)
			drop(l)
			if _, err := b.Seal(); !errors.Is(err, ErrDropped) {
				t.Errorf("Seal answers %v", err)
			}
		})
	}
}

// TestNumberOfABatchIsNeverUsedAgain: two entries with one number would let a
// third one, made after the second, be applied after the first.
func TestNumberOfABatchIsNeverUsedAgain(t *testing.T) {
	l := newLeader(t)
	put := func(id string) []byte {
		b := l.m.Begin(1, l.now, &l.ids)
		if err := b.Run(func(tx *Tx) error { tx.PutNode(&autoscaling.Node{ID: id}); return nil }); err != nil {
			t.Fatal(err)
		}
		return l.seal(b)
	}
	first := put("first")
	l.m.Discard() // it is in the log all the same
	second, third := put("second"), put("third")
	var skipped []bool
	for _, entry := range [][]byte{first, second, third} {
		skipped = append(skipped, l.m.Apply(&raft.Log{Data: entry}).(Result).Skipped)
	}
	if skipped[0] || !skipped[1] || !skipped[2] {
		t.Errorf("skipped: %v", skipped)
	}
	if v := l.m.View(); v.Node("first") == nil || v.Node("second") != nil || v.Node("third") != nil {
		t.Error("other nodes than the first are there")
	}
}
