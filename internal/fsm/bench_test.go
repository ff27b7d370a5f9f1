package fsm

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// typical makes an instance as the service keeps it after a launch.
func typical(group autoscaling.UID, n int) *autoscaling.Instance {
	id := autoscaling.InstanceID(fmt.Sprintf("i-%017x", uint64(n)*0x9e3779b97f4a7c15>>4))
	now := autoscaling.Time(1_790_000_000_000_000 + int64(n))
	timeline := func(at int64, s autoscaling.InstanceState, step autoscaling.Step) autoscaling.TimelineEntry {
		return autoscaling.TimelineEntry{State: s, Step: step, Time: now + autoscaling.Time(at)}
	}
	return &autoscaling.Instance{
		ID: id, Group: group, State: autoscaling.InService, Health: autoscaling.HealthHealthy, Zone: "default",
		Configuration: "0197c3a4-0000-7000-8000-00000000c0f1", Version: 3, Provider: "sim", InstanceType: "small", Weight: 1,
		Activity: autoscaling.ActivityID(n/100 + 1), MachineID: "as-" + string(id), MachineCreateTime: now,
		Addresses: []string{fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)}, Origin: autoscaling.OriginCreated,
		Balancers: []autoscaling.BalancerAttachment{{Provider: "builtin", Pool: "web", Port: 8080, Weight: 100,
			DrainTimeout: 30e9, State: autoscaling.AttachmentActive, Healthy: true}},
		AccessLists: []autoscaling.AccessListAttachment{{Provider: "file", List: "web", State: autoscaling.AttachmentActive}},
		CreateTime:  now, StateTime: now + 3_000_000, LaunchDeadline: now + 600_000_000, Served: true, MachineRunning: true,
		GraceUntil: now + 60_000_000, WarmUntil: now + 300_000_000,
		Timeline: []autoscaling.TimelineEntry{
			timeline(0, autoscaling.Initial, 0), timeline(10, autoscaling.Pending, 0),
			timeline(1000, autoscaling.Pending, autoscaling.StepCreate), timeline(2000, autoscaling.Pending, autoscaling.StepAllow),
			timeline(3000, autoscaling.Pending, autoscaling.StepStart), timeline(3001, autoscaling.PendingProceed, 0),
			timeline(4000, autoscaling.PendingProceed, autoscaling.StepRegister), timeline(5000, autoscaling.InService, 0),
		},
		Revision: 9,
	}
}

// fleet makes a machine with the given numbers of groups and instances.
func fleet(b testing.TB, groups, perGroup int) (*leader, []autoscaling.UID) {
	l := newLeader(b)
	uids := make([]autoscaling.UID, groups)
	for g := range uids {
		uids[g] = l.putGroup(fmt.Sprintf("group-%05d", g))
		l.do(func(tx *Tx) {
			for n := range perGroup {
				tx.PutInstance(typical(uids[g], g*perGroup+n))
			}
		})
		l.log = nil
	}
	return l, uids
}

const benchBatch = 256

// cpu measures the processor time of the process, which a busy machine does not
// inflate as it does the clock's.
type cpu struct{ since, total time.Duration }

func cpuNow() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func (c *cpu) start() { c.since = cpuNow() }
func (c *cpu) stop()  { c.total += cpuNow() - c.since }

func (c *cpu) report(b *testing.B) {
	b.ReportMetric(float64(c.total)/float64(b.N), "cpu-ns/op")
}

// touch puts a changed copy of the instance.
func touch(tx *Tx, group autoscaling.UID, id autoscaling.InstanceID) {
	i := *tx.Instance(group, id)
	i.Revision++
	i.StateTime = tx.Now()
	tx.PutInstance(&i)
}

// BenchmarkApplyInstance is the cost of one instance's change of state in a
// batch of 256: on a follower, which decodes, and on the leader, which prepares,
// encodes and publishes.
func BenchmarkApplyInstance(b *testing.B) {
	for _, size := range []struct{ groups, perGroup int }{{1, 10_000}, {1000, 100}} {
		l, uids := fleet(b, size.groups, size.perGroup)
		base := snapshotOf(b, l.m)
		var ids [][2]string
		for _, uid := range uids {
			for i := range l.m.View().Instances(uid) {
				ids = append(ids, [2]string{string(uid), string(i.ID)})
			}
		}
		seal := func(round int) []byte {
			batch := l.m.Begin(1, l.now, &l.ids)
			for n := range benchBatch {
				at := ids[(round*benchBatch*7919+n*7919)%len(ids)]
				_ = batch.Run(func(tx *Tx) error {
					touch(tx, autoscaling.UID(at[0]), autoscaling.InstanceID(at[1]))
					return nil
				})
			}
			return l.seal(batch)
		}
		name := fmt.Sprintf("groups=%d/instances=%d", size.groups, size.groups*size.perGroup)
		b.Run("follower/"+name, func(b *testing.B) {
			l.m = restored(b, base)
			follower := restored(b, base)
			var entries [][]byte
			for round := range 64 {
				entries = append(entries, seal(round))
				applyEntry(b, l.m, entries[round])
			}
			b.ReportAllocs()
			b.SetBytes(int64(len(entries[0]) / benchBatch))
			b.ResetTimer()
			var c cpu
			for n := 0; n < b.N; n += benchBatch {
				round := n / benchBatch % len(entries)
				if round == 0 {
					b.StopTimer()
					follower = restored(b, base)
					runtime.GC()
					b.StartTimer()
				}
				c.start()
				applyEntry(b, follower, entries[round])
				c.stop()
			}
			c.report(b)
		})
		b.Run("leader/"+name, func(b *testing.B) {
			l.m = restored(b, base)
			b.ReportAllocs()
			b.ResetTimer()
			var c cpu
			c.start()
			for n := 0; n < b.N; n += benchBatch {
				applyEntry(b, l.m, seal(n/benchBatch))
			}
			c.stop()
			c.report(b)
		})
	}
}

// BenchmarkDesired is a batch of 256 changes of desired of different groups.
func BenchmarkDesired(b *testing.B) {
	l, uids := fleet(b, 1000, 3)
	b.ReportAllocs()
	b.ResetTimer()
	var c cpu
	c.start()
	defer func() { c.stop(); c.report(b) }()
	for n := 0; n < b.N; n += benchBatch {
		batch := l.m.Begin(1, l.now, &l.ids)
		for k := range benchBatch {
			_ = batch.Run(func(tx *Tx) error {
				g := *tx.Group(uids[(n+k)%len(uids)])
				g.Desired++
				tx.PutGroup(&g)
				tx.PutActivity(&autoscaling.Activity{ID: tx.NewActivityID(), Group: g.UID, Kind: autoscaling.ScaleOut, Status: autoscaling.ActivitySuccessful})
				tx.Emit(autoscaling.Event{Type: autoscaling.EventDesiredChanged, Group: g.UID})
				return nil
			})
		}
		applyEntry(b, l.m, l.seal(batch))
	}
}

func BenchmarkView(b *testing.B) {
	l, _ := fleet(b, 10, 10)
	b.ReportAllocs()
	for b.Loop() {
		_ = l.m.View()
	}
}

// BenchmarkMillion reports memory, snapshot and restore of 1 M instances in
// 10,000 groups. An op is one whole pass.
func BenchmarkMillion(b *testing.B) {
	if testing.Short() {
		b.Skip("a minute and a gigabyte")
	}
	heap := func() float64 {
		runtime.GC()
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return float64(stats.HeapAlloc)
	}
	const groups, perGroup = 10_000, 100
	empty := heap()
	l, _ := fleet(b, groups, perGroup)
	full := heap()
	b.Logf("leader: %.0f B/instance", (full-empty)/(groups*perGroup))
	var bytesOfAll []byte
	b.Run("snapshot", func(b *testing.B) {
		var c cpu
		c.start()
		for b.Loop() {
			if err := l.m.View().st.writeSnapshot(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
		c.stop()
		c.report(b)
		bytesOfAll = snapshotOf(b, l.m)
		b.ReportMetric(float64(len(bytesOfAll))/(groups*perGroup), "B/instance")
	})
	l = nil
	b.Run("restore", func(b *testing.B) {
		var m *Machine
		before := heap()
		var c cpu
		c.start()
		defer c.report(b)
		for b.Loop() {
			m = NewMachine()
			if err := m.Restore(io.NopCloser(bytes.NewReader(bytesOfAll))); err != nil {
				b.Fatal(err)
			}
		}
		c.stop()
		b.ReportMetric((heap()-before)/(groups*perGroup), "heapB/instance")
		runtime.KeepAlive(m)
	})
}

// BenchmarkEmit is a batch of 256 events of one group: with nobody who wants
// them, and with a target that wants all and is emptied as it fills.
func BenchmarkEmit(b *testing.B) {
	for _, subscribed := range []bool{false, true} {
		b.Run(fmt.Sprintf("subscribed=%t", subscribed), func(b *testing.B) {
			l := newLeader(b)
			web, target := l.putGroup("web"), l.putTarget("all")
			if subscribed {
				l.subscribe(web, "all", "all")
			}
			b.ReportAllocs()
			b.ResetTimer()
			var c cpu
			c.start()
			for n := 0; n < b.N; n += benchBatch {
				batch := l.m.Begin(1, l.now, &l.ids)
				for range benchBatch {
					_ = batch.Run(func(tx *Tx) error {
						tx.Emit(autoscaling.Event{Type: autoscaling.EventInstanceState, Group: web, Instance: "i-1"})
						return nil
					})
				}
				_ = batch.Run(func(tx *Tx) error {
					for d := range tx.Deliveries(target) {
						tx.DeleteDelivery(target, d.ID)
					}
					return nil
				})
				applyEntry(b, l.m, l.seal(batch))
			}
			c.stop()
			c.report(b)
		})
	}
}
