package control_test

import (
	"testing"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
)

// BenchmarkCompletion is the writer's work for one completion while the rest of a
// group of 10,000 waits: decided, encoded and applied in batches of 64.
func BenchmarkCompletion(b *testing.B) {
	const batch = 64
	var w *waitingFleet
	b.ReportAllocs()
	for done := 0; done < b.N; {
		if w == nil || len(w.tokens) == 1 { // the last would end the activity
			b.StopTimer()
			w = newWaitingFleet(b, 10_000)
			b.StartTimer()
		}
		n := min(batch, b.N-done, len(w.tokens)-1)
		w.commit(func(tx *fsm.Tx) error {
			for _, token := range w.tokens[:n] {
				if _, err := w.Ops.CompleteLifecycleAction(tx, control.CompleteLifecycleActionRequest{
					Group: control.GroupName{Namespace: "default", ID: "web"}, Token: token, Result: autoscaling.ResultContinue,
				}); err != nil {
					return err
				}
			}
			return nil
		})
		w.tokens = w.tokens[n:]
		done += n
	}
}

// waitingFleet is a group of which every instance waits in a launch hook.
type waitingFleet struct {
	*controltest.World
	b      *testing.B
	index  uint64
	tokens []string
}

func newWaitingFleet(b *testing.B, size int32) *waitingFleet {
	w := &waitingFleet{World: controltest.New(), b: b, index: 1 << 20}
	w.commit(func(tx *fsm.Tx) error {
		_, _, err := w.Ops.CreateConfiguration(tx, control.CreateConfigurationRequest{
			Namespace: "default", NewMeta: control.NewMeta{ID: "web"}, Template: autoscaling.Template{Provider: "sim"},
		})
		if err != nil {
			return err
		}
		spec := autoscaling.DefaultGroupSpec()
		spec.Max, spec.Desired, spec.Configuration.ID = size, size, "web"
		hook := autoscaling.DefaultLifecycleHook()
		hook.Transition = autoscaling.TransitionLaunching
		_, err = w.Ops.CreateGroup(tx, control.CreateGroupRequest{
			Namespace: "default", NewMeta: control.NewMeta{ID: "web"}, Spec: spec, DesiredNamed: true,
			Hooks: []control.NewHook{{NewMeta: control.NewMeta{ID: "warm"}, Hook: hook}},
		})
		return err
	})
	group := w.Group("web").UID
	w.commit(func(tx *fsm.Tx) error {
		for i := range tx.Instances(group) {
			if err := w.Ops.Begin(tx, group, i.ID); err != nil {
				return err
			}
			if err := w.Ops.ReportMachineRunning(tx, control.MachineReport{Group: group, Instance: i.ID, MachineID: "m-" + string(i.ID)}); err != nil {
				return err
			}
		}
		for a := range control.PendingActions(tx.Reader, group) {
			w.tokens = append(w.tokens, string(a.Token))
		}
		return nil
	})
	if len(w.tokens) != int(size) {
		b.Fatalf("%d of %d wait", len(w.tokens), size)
	}
	return w
}

// commit writes without a look at the invariants, which takes longer.
func (w *waitingFleet) commit(fn func(tx *fsm.Tx) error) {
	run := w.Machine.Begin(1, w.Now, w.IDs())
	if err := run.Run(fn); err != nil {
		w.b.Fatal(err)
	}
	entry, err := run.Seal()
	if err != nil {
		w.b.Fatal(err)
	}
	w.index++
	if r, ok := w.Machine.Apply(&raft.Log{Index: w.index, Term: 1, Type: raft.LogCommand, Data: entry}).(fsm.Result); !ok || r.Skipped {
		w.b.Fatal("skipped")
	}
}
