package fsm

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
)

// The golden files are what version 1 of the formats looks like. They are never
// written anew once released: a change that cannot read them, or writes what
// they hold in other bytes, needs a new format.
var update = flag.Bool("update", false, "write the golden files")

const (
	goldenPuts     = "entry-v1-puts.cbor"    // a first entry, with a put of each kind
	goldenDeletes  = "entry-v1-deletes.cbor" // a second one, with a delete of each kind that has one
	goldenSnapshot = "snapshot-v1.bin"       // the state between the two

	// goldenRepaired is that state with its strings repaired: the files of version 1
	// hold what was not refused then. Every version must repair in the same way.
	goldenRepaired = "snapshot-v1-repaired.bin"
)

func golden(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGoldenEntriesAreReadAndWrittenInTheSameBytes decodes each change and
// encodes it again.
func TestGoldenEntriesAreReadAndWrittenInTheSameBytes(t *testing.T) {
	if *update {
		writeGolden(t)
	}
	seen := map[recordKey]bool{}
	for _, file := range []string{goldenPuts, goldenDeletes} {
		entry := golden(t, file)
		head, changes := decodeEntry(t, entry)
		again, err := encodeEntry(head.before, head.at, head.stamp, changes)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(entry, again) {
			t.Errorf("%s\nis      %x\nencoded %x", file, entry, again)
		}
		for _, c := range changes {
			seen[recordKey{kind: c.key.kind, key: key{n: uint64(c.op)}}] = true
		}
	}
	for k := kindCluster; k < kindCount; k++ {
		if !seen[recordKey{kind: k, key: key{n: uint64(opPut)}}] {
			t.Errorf("no golden entry puts a %s", k)
		}
	}
}

func TestGoldenLogAndSnapshotGiveTheSameState(t *testing.T) {
	m := NewMachine()
	applyEntry(t, m, golden(t, goldenPuts))
	again := restored(t, golden(t, goldenSnapshot))
	if *update {
		writeGoldenFile(t, goldenRepaired, snapshotOf(t, again))
	}
	snapshot := golden(t, goldenRepaired)
	if got := snapshotOf(t, m); !bytes.Equal(got, snapshot) {
		t.Errorf("the log gives\n%x\nand the snapshot is\n%x", got, snapshot)
	}
	if got := snapshotOf(t, again); !bytes.Equal(got, snapshot) {
		t.Errorf("restored it gives\n%x\nand is\n%x", got, snapshot)
	}
	if got := snapshotOf(t, restored(t, snapshot)); !bytes.Equal(got, snapshot) {
		t.Errorf("repaired and restored it gives\n%x\nand is\n%x", got, snapshot)
	}
	applyEntry(t, again, golden(t, goldenDeletes))
	applyEntry(t, m, golden(t, goldenDeletes))
	if !bytes.Equal(snapshotOf(t, m), snapshotOf(t, again)) {
		t.Error("what follows the snapshot gives another state than what follows the log")
	}
	for k, record := range again.View().st.records() {
		if k != kindCluster && k != kindStore && k != kindEvent {
			t.Errorf("%s %+v was not deleted", k, record)
		}
	}
}

// decodeEntry reads an entry as changes, which encodeEntry takes.
func decodeEntry(t tb, entry []byte) (entryHead, []change) {
	t.Helper()
	head, b, err := readEntryHead(entry)
	if err != nil {
		t.Fatal(err)
	}
	var d decoder
	d.beginTable()
	var changes []change
	for range head.changes {
		var c change
		d.begin(b)
		if n := d.number(majorArray); n != 3 {
			t.Fatalf("a change of %d parts", n)
		}
		c.key.kind, c.op = kind(d.number(majorUint)), op(d.number(majorUint))
		if b, err = d.end(); err != nil {
			t.Fatal(err)
		}
		if c.op == opPut {
			c.record, b, err = d.record(b, c.key.kind)
		} else {
			c.key.key, b, err = d.key(b)
		}
		if err != nil {
			t.Fatal(err)
		}
		changes = append(changes, c)
	}
	return head, changes
}

// writeGolden fills records of each kind with all that they can hold.
func writeGolden(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const g, c, n = goldenGroup, goldenConfiguration, goldenTarget
	m := NewMachine()
	var ids countedIDs
	batch := func(fn func(tx *Tx)) []byte {
		b := m.Begin(3, 1_790_000_000_000_000, &ids)
		if err := b.Run(func(tx *Tx) error { fn(tx); return nil }); err != nil {
			t.Fatal(err)
		}
		entry, err := b.Seal()
		if err != nil {
			t.Fatal(err)
		}
		if r := m.Apply(&raft.Log{Data: entry}).(Result); r != (Result{}) {
			t.Fatal(r)
		}
		return entry
	}
	writeGoldenFile(t, goldenPuts, batch(func(tx *Tx) {
		putEachKind(tx, r)
	}))
	writeGoldenFile(t, goldenSnapshot, snapshotOf(t, m))
	writeGoldenFile(t, goldenDeletes, batch(func(tx *Tx) {
		tx.DeleteInstance(g, "i-0a1b2c3d4e5f60718")
		tx.DeleteActivity(42)
		tx.DeleteRule(g, "add-two")
		tx.DeleteAlarmTask(g, "cpu-high")
		tx.DeleteScheduledTask(g, "morning")
		tx.DeleteLifecycleHook(g, "warm-up")
		tx.DeleteNotification(g, "tell-all")
		tx.DeleteDelivery(n, 7)
		tx.DeleteNotificationTarget(n)
		tx.DeleteReleased("sim", "m-1")
		tx.DeleteGroup(g)
		tx.DeleteConfiguration(c)
		tx.DeleteNode("node-1")
		tx.DeleteRequest("default", "request-1")
		tx.DeleteOrphan("sim", "i-2a1b2c3d4e5f60718")
	}))
}

const (
	goldenGroup         = autoscaling.UID("0197c3a4-7c1e-7000-8000-000000000001")
	goldenConfiguration = autoscaling.UID("0197c3a4-7c1e-7000-8000-000000000002")
	goldenTarget        = autoscaling.UID("0197c3a4-7c1e-7000-8000-000000000003")
)

// putEachKind puts a record of each kind with all that it can hold.
func putEachKind(tx *Tx, r *rand.Rand) {
	const g, c, n = goldenGroup, goldenConfiguration, goldenTarget
	for k := kindCluster; k < kindCount; k++ {
		record := newRecord(k)
		fill(r, record, 1)
		switch record := record.(type) {
		case *autoscaling.Cluster:
			tx.PutCluster(record)
		case *autoscaling.Node:
			record.ID = "node-1"
			tx.PutNode(record)
		case *autoscaling.ProviderStore:
			tx.PutProviderStore(record)
		case *autoscaling.Configuration:
			record.UID = c
			tx.PutConfiguration(record)
		case *autoscaling.ConfigurationVersion:
			record.Configuration = c
			tx.PutConfigurationVersion(record)
		case *autoscaling.Group:
			record.UID, record.State = g, autoscaling.GroupActive
			tx.PutGroup(record)
		case *autoscaling.Rule:
			record.Group, record.ID = g, "add-two"
			tx.PutRule(record)
		case *autoscaling.AlarmTask:
			record.Group, record.ID = g, "cpu-high"
			tx.PutAlarmTask(record)
		case *autoscaling.ScheduledTask:
			record.Group, record.ID = g, "morning"
			tx.PutScheduledTask(record)
		case *autoscaling.Instance:
			record.Group, record.ID, record.State = g, "i-0a1b2c3d4e5f60718", autoscaling.InService
			tx.PutInstance(record)
			ended := *record
			ended.ID, ended.State = "i-1a1b2c3d4e5f60718", autoscaling.Terminated
			tx.PutInstance(&ended)
		case *autoscaling.Activity:
			record.Group, record.ID = g, 42
			tx.PutActivity(record)
		case *autoscaling.Request:
			record.Namespace, record.ID = "default", "request-1"
			tx.PutRequest(record)
		case *autoscaling.Orphan:
			record.Provider, record.Instance = "sim", "i-2a1b2c3d4e5f60718"
			tx.PutOrphan(record)
		case *autoscaling.Event:
			tx.Emit(*record)
		case *autoscaling.LifecycleHook:
			record.Group, record.ID = g, "warm-up"
			tx.PutLifecycleHook(record)
		case *autoscaling.Notification:
			record.Group, record.ID = g, "tell-all"
			tx.PutNotification(record)
		case *autoscaling.NotificationTarget:
			record.UID = n
			tx.PutNotificationTarget(record)
		case *autoscaling.Delivery:
			record.Target, record.ID, record.State = n, 7, autoscaling.DeliveryPending
			tx.PutDelivery(record)
			dead := *record
			dead.ID, dead.State = 8, autoscaling.DeliveryDead
			tx.PutDelivery(&dead)
		case *autoscaling.Released:
			record.Provider, record.MachineID = "sim", "m-1"
			tx.PutReleased(record)
		}
	}
}

func writeGoldenFile(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.MkdirAll("testdata", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("testdata", file), b, 0o666); err != nil {
		t.Fatal(err)
	}
}
