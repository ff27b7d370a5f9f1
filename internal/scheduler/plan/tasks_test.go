package plan_test

import (
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/scheduler/plan"
)

// Decisions of a pass reach the writer in any order, so all that is due of a
// group's tasks is one: the sizes of the task that was made last win.
func TestScheduledTasksOfAnInstantAreOneDecision(t *testing.T) {
	w := controltest.New()
	var group autoscaling.UID
	w.MustDo(func(tx *fsm.Tx) error {
		spec := autoscaling.DefaultGroupSpec()
		spec.Max = 100
		g, err := w.Ops.CreateGroup(tx, control.CreateGroupRequest{Namespace: "default", NewMeta: control.NewMeta{ID: "web"}, Spec: spec})
		group = g.UID
		return err
	})
	// Ids fall while they are made, so that they are not what orders them.
	sizes := map[string]int32{"c": 10, "b": 20, "a": 30}
	for _, id := range []string{"c", "b", "a"} {
		w.Advance(time.Second)
		w.MustDo(func(tx *fsm.Tx) error {
			size, task := sizes[id], autoscaling.DefaultScheduledTask()
			task.StartTime = controltest.Start.Add(time.Hour)
			task.Capacity = &autoscaling.Capacity{Max: &size}
			_, err := w.Ops.CreateScheduledTask(tx, control.CreateScheduledTaskRequest{
				Parent: control.GroupName{Namespace: "default", ID: "web"}, NewMeta: control.NewMeta{ID: id}, Task: task,
			})
			return err
		})
	}
	w.Now = controltest.Start.Add(time.Hour)
	var runs []plan.Decision
	for _, d := range plan.Look(w.View().Reader, group, w.Now, plan.Hold{}).Decisions {
		if d.Name == "scheduled tasks" {
			runs = append(runs, d)
		}
	}
	if len(runs) != 1 {
		t.Fatalf("%d decisions about scheduled tasks, want 1", len(runs))
	}
	w.MustDo(func(tx *fsm.Tx) error { return runs[0].Apply(tx, w.Ops) })
	if g := w.View().Group(group); g.Max != 30 {
		t.Errorf("max_size is %d, want 30 of the task that was made last", g.Max)
	}
	if p := plan.Look(w.View().Reader, group, w.Now, plan.Hold{}); p.Wake != 0 {
		t.Errorf("the tasks have run, but the group wakes at %s", p.Wake)
	}
}
