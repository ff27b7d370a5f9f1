package control_test

import (
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// An instance is stopped within the stop_timeout that it was launched with: a new
// version of the configuration is for new instances. The step waits for it, and
// then a little longer, before anybody calls it late.
func TestStopTimeoutIsThatOfTheLaunch(t *testing.T) {
	s := doing(t, nil)
	version := func(d time.Duration) {
		s.MustDo(func(tx *fsm.Tx) error {
			template := autoscaling.Template{Provider: "sim", StopTimeout: d}
			if tx.ConfigurationByID("default", "web") == nil {
				_, _, err := s.Ops.CreateConfiguration(tx, control.CreateConfigurationRequest{Namespace: "default", NewMeta: control.NewMeta{ID: "web"}, Template: template})
				return err
			}
			_, _, err := s.Ops.UpdateConfiguration(tx, control.UpdateConfigurationRequest{
				Name:   control.ConfigurationName{Namespace: "default", ID: "web"},
				Change: func(_ *autoscaling.Meta, t *autoscaling.Template) error { *t = template; return nil },
			})
			return err
		})
	}
	version(5 * time.Minute)
	s.tellAll("group web min=0 max=4 desired=1 configuration=web; drive")
	version(time.Second)
	s.tellAll("set-desired web 2; drive; remove web instances=i1,i2")
	now := s.Now
	for id, want := range map[string]time.Duration{"i1": 5 * time.Minute, "i2": time.Second} {
		i := s.View().FindInstance(autoscaling.InstanceID(long(id)))
		if i.Step != autoscaling.StepStop || i.StopTimeout != want || i.Deadline != now.Add(want+control.StopPatience) {
			t.Errorf("%s is at %s with %s until %s", id, i.Step, i.StopTimeout, i.Deadline)
		}
	}
}
