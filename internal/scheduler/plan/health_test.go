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

// A replacement that is launched first and held by a back-off is begun when that
// ends: nobody else wakes the group.
func TestAHeldReplacementWakesTheGroup(t *testing.T) {
	w := controltest.New()
	var group autoscaling.UID
	w.MustDo(func(tx *fsm.Tx) error {
		_, _, err := w.Ops.CreateConfiguration(tx, control.CreateConfigurationRequest{
			Namespace: "default", NewMeta: control.NewMeta{ID: "app"}, Template: autoscaling.Template{Provider: "sim"},
		})
		if err != nil {
			return err
		}
		spec := autoscaling.DefaultGroupSpec()
		spec.Max, spec.Desired, spec.Configuration = 5, 3, autoscaling.ConfigurationRef{ID: "app"}
		spec.Maintenance = autoscaling.Maintenance{MinHealthyPercent: 100, MaxHealthyPercent: 150}
		g, err := w.Ops.CreateGroup(tx, control.CreateGroupRequest{Namespace: "default", NewMeta: control.NewMeta{ID: "web"}, Spec: spec, DesiredNamed: true})
		group = g.UID
		return err
	})
	w.Drive()
	w.LaunchFails = func(*autoscaling.Instance) string { return "no" }
	var sick autoscaling.InstanceID
	for i := range w.View().Instances(group) {
		sick = i.ID
		break
	}
	w.MustDo(func(tx *fsm.Tx) error {
		_, err := w.Ops.SetInstanceHealth(tx, control.SetInstanceHealthRequest{Group: control.GroupName{Namespace: "default", ID: "web"}, Instance: string(sick), Health: autoscaling.HealthUnhealthy})
		return err
	})
	w.Drive()
	p := plan.Look(w.View().Reader, group, w.Now, plan.Hold{})
	if p.Wake == 0 || p.Wake > w.Now.Add(time.Minute) {
		t.Errorf("the group wakes at %s", p.Wake)
	}
}
