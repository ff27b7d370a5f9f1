package fsm

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
)

// countedIDs gives ids in order.
type countedIDs struct{ n uint64 }

func (c *countedIDs) UID() autoscaling.UID {
	c.n++
	return autoscaling.UID(fmt.Sprintf("00000000-0000-7000-8000-%012x", c.n))
}

func (c *countedIDs) InstanceID() autoscaling.InstanceID {
	c.n++
	return autoscaling.InstanceID(fmt.Sprintf("i-%017x", c.n))
}

// leader drives a machine as the writer does, with a log of its own.
type leader struct {
	t   testing.TB
	m   *Machine
	ids countedIDs
	now autoscaling.Time
	log [][]byte
}

func newLeader(t testing.TB) *leader {
	return &leader{t: t, m: NewMachine(), now: 1_700_000_000_000_000}
}

var errFailing = errors.New("failing on purpose")

// do runs the functions as one batch, seals and applies it.
func (l *leader) do(fns ...func(tx *Tx)) {
	l.t.Helper()
	l.now += 1_000
	b := l.m.Begin(1, l.now, &l.ids)
	for _, fn := range fns {
		if err := b.Run(func(tx *Tx) error { fn(tx); return nil }); err != nil {
			l.t.Fatal(err)
		}
	}
	l.apply(l.seal(b))
}

func (l *leader) seal(b *Batch) []byte {
	l.t.Helper()
	entry, err := b.Seal()
	if err != nil {
		l.t.Fatal(err)
	}
	return entry
}

func (l *leader) apply(entry []byte) {
	l.t.Helper()
	l.log = append(l.log, entry)
	applyEntry(l.t, l.m, entry)
}

func applyEntry(t tb, m *Machine, entry []byte) {
	t.Helper()
	if r := m.Apply(&raft.Log{Type: raft.LogCommand, Data: entry}).(Result); r.Skipped || r.Err != nil {
		t.Fatalf("apply: skipped=%v err=%v", r.Skipped, r.Err)
	}
}

// replay answers a machine that decoded the whole log.
func replay(t tb, log [][]byte) *Machine {
	t.Helper()
	m := NewMachine()
	for _, entry := range log {
		applyEntry(t, m, entry)
	}
	return m
}

// sink is a raft.SnapshotSink in memory.
type sink struct {
	bytes.Buffer
	cancelled bool
}

func (s *sink) ID() string    { return "test" }
func (s *sink) Cancel() error { s.cancelled = true; return nil }
func (s *sink) Close() error  { return nil }

func snapshotOf(t tb, m *Machine) []byte {
	t.Helper()
	s, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var to sink
	if err := s.Persist(&to); err != nil {
		t.Fatal(err)
	}
	s.Release()
	return to.Bytes()
}

func restored(t tb, snapshot []byte) *Machine {
	t.Helper()
	m := NewMachine()
	if err := m.Restore(nopCloser{bytes.NewReader(snapshot)}); err != nil {
		t.Fatal(err)
	}
	return m
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

// group makes a sound group.
func group(uid autoscaling.UID, id string) *autoscaling.Group {
	return &autoscaling.Group{
		Meta:        autoscaling.Meta{UID: uid, Namespace: "default", ID: id, Revision: 1},
		GroupSpec:   autoscaling.GroupSpec{Max: 1000, Desired: 1, Configuration: autoscaling.ConfigurationRef{ID: "web"}},
		GroupStatus: autoscaling.GroupStatus{State: autoscaling.GroupActive},
	}
}

// putGroup makes a group in a batch of its own.
func (l *leader) putGroup(id string) autoscaling.UID {
	var uid autoscaling.UID
	l.do(func(tx *Tx) {
		uid = tx.NewUID()
		tx.PutGroup(group(uid, id))
	})
	return uid
}

// serving makes an instance in service.
func serving(group autoscaling.UID, id autoscaling.InstanceID) *autoscaling.Instance {
	return &autoscaling.Instance{
		ID: id, Group: group, State: autoscaling.InService, Health: autoscaling.HealthHealthy, Zone: "default",
		Provider: "sim", InstanceType: "small", MachineID: "machine-" + string(id), Addresses: []string{"10.0.0.7"},
		Served: true, MachineRunning: true, Origin: autoscaling.OriginCreated,
	}
}

// tb is what testing.TB and rapid.T have in common.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}
