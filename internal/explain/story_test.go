package explain

import (
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
)

// story drives a small cluster by the operations.
type story struct {
	*controltest.World
	t   *testing.T
	out strings.Builder
}

var (
	ann     = control.Caller{Principal: "ann", RequestID: "r-1"}
	webName = control.GroupName{Namespace: "default", ID: "web"}
)

func newStory(t *testing.T) *story {
	s := &story{World: controltest.New(), t: t}
	s.run(func(tx *fsm.Tx) error {
		_, _, err := s.Ops.CreateConfiguration(tx, control.CreateConfigurationRequest{
			Caller: ann, Namespace: "default", NewMeta: control.NewMeta{ID: "app"}, Template: autoscaling.Template{Provider: "sim", Ports: []int32{8080}},
		})
		return err
	})
	s.run(func(tx *fsm.Tx) error {
		spec := autoscaling.DefaultGroupSpec()
		spec.Max, spec.Configuration = 10, autoscaling.ConfigurationRef{ID: "app"}
		_, err := s.Ops.CreateGroup(tx, control.CreateGroupRequest{Caller: ann, Namespace: "default", NewMeta: control.NewMeta{ID: "web"}, Spec: spec})
		return err
	})
	return s
}

func (s *story) run(fn func(tx *fsm.Tx) error) {
	s.t.Helper()
	s.Advance(time.Second)
	if err := s.Do(fn); err != nil {
		s.t.Fatal(err)
	}
}

func (s *story) want(desired int32) {
	s.t.Helper()
	s.run(func(tx *fsm.Tx) error {
		_, err := s.Ops.SetDesiredCapacity(tx, control.SetDesiredCapacityRequest{Caller: ann, Name: webName, Desired: desired})
		return err
	})
}

func (s *story) nth(n int) *autoscaling.Instance {
	s.t.Helper()
	i := s.View().FindInstance(autoscaling.InstanceID("i-0000000000000000" + string(rune('0'+n))))
	if i == nil {
		s.t.Fatalf("there is no instance %d", n)
	}
	return i
}

// explain writes down what is said of an instance, or of the group.
func (s *story) explain(title string, instance int) {
	s.t.Helper()
	var e Explanation
	if instance == 0 {
		e = Group(s.View().Reader, s.Group("web"), s.Now)
	} else {
		e = Instance(s.View().Reader, s.nth(instance), s.Now)
	}
	sound(s.t, e)
	s.out.WriteString("## " + title + "\n\n" + text(e) + "\n")
}

func TestStoriesOfInstancesAndTheirGroup(t *testing.T) {
	s := newStory(t)
	s.explain("a new group", 0)
	s.run(func(tx *fsm.Tx) error {
		_, err := s.Ops.CreateRule(tx, control.CreateRuleRequest{Caller: ann, Parent: webName, NewMeta: control.NewMeta{ID: "add-two"},
			Rule: autoscaling.Rule{Simple: &autoscaling.SimpleRule{AdjustmentType: autoscaling.ChangeInCapacity, Adjustment: 2}}})
		return err
	})
	s.run(func(tx *fsm.Tx) error {
		_, err := s.Ops.ExecuteRule(tx, control.ExecuteRuleRequest{
			Name: control.ChildName{Namespace: "default", Group: "web", ID: "add-two"}, Trigger: autoscaling.TriggerAlarm,
			Source: autoscaling.AlarmTaskARI("test", "default", "web", "cpu-high"), Why: "cpu 91 > 80 for 3 periods",
		})
		return err
	})
	s.explain("just asked for by an alarm", 1)
	s.Drive()
	s.Advance(time.Hour)
	s.explain("in service", 1)
	s.explain("the group at rest", 0)

	s.want(1)
	s.explain("on its way out, chosen by policy", 1)
	s.Drive()
	s.explain("gone", 1)

	s.run(func(tx *fsm.Tx) error {
		return s.Ops.ReportMachineGone(tx, control.MachineGone{Group: s.Group("web").UID, Instance: s.nth(2).ID, Message: "exit status 1"})
	})
	s.Drive()
	s.explain("its machine ended", 2)
	s.explain("its replacement", 3)

	s.run(func(tx *fsm.Tx) error {
		_, err := s.Ops.EnterStandby(tx, control.EnterStandbyRequest{Caller: ann, Group: webName, Instances: []string{string(s.nth(3).ID)}, Decrement: true})
		return err
	})
	s.explain("put on standby", 3)
	s.explain("the group without it", 0)
	golden(t, "story.txt", s.out.String())
}

func TestStoryOfHooksAndFailures(t *testing.T) {
	s := newStory(t)
	s.run(func(tx *fsm.Tx) error {
		_, err := s.Ops.CreateLifecycleHook(tx, control.CreateLifecycleHookRequest{Caller: ann, Parent: webName, NewMeta: control.NewMeta{ID: "warm-up"},
			Hook: autoscaling.LifecycleHook{Transition: autoscaling.TransitionLaunching, HeartbeatTimeout: time.Minute, DefaultResult: autoscaling.ResultAbandon}})
		return err
	})
	s.want(1)
	for s.nth(1).State != autoscaling.PendingWait {
		s.Step()
	}
	s.explain("held by a hook", 1)
	s.explain("its group, of which nobody serves yet", 0)
	s.out.WriteString("## what the doctor finds\n\n" + findingsText(Findings(s.View().Reader, "default", s.Now)) + "\n")
	s.run(func(tx *fsm.Tx) error {
		_, err := s.Ops.CompleteLifecycleAction(tx, control.CompleteLifecycleActionRequest{
			Caller: ann, Group: webName, Token: string(s.nth(1).Waits[0].Token), Result: autoscaling.ResultContinue,
		})
		return err
	})
	s.Drive()
	s.explain("let go by the hook", 1)

	s.LaunchFails = func(*autoscaling.Instance) string { return "the image does not exist" }
	s.want(2)
	for range 5 {
		s.Step()
	}
	s.explain("its launch failed", 2)
	s.explain("the group whose launches fail", 0)
	s.out.WriteString("## what the doctor finds\n\n" + findingsText(Findings(s.View().Reader, "default", s.Now)) + "\n")

	s.run(func(tx *fsm.Tx) error {
		_, err := s.Ops.DeleteGroup(tx, control.DeleteGroupRequest{Caller: ann, Name: webName, Force: true})
		return err
	})
	s.explain("the group being deleted", 0)
	s.out.WriteString("## what the doctor finds\n\n" + findingsText(Findings(s.View().Reader, "default", s.Now)) + "\n")
	s.Drive()
	s.explain("the group deleted", 0)
	golden(t, "hooks.txt", s.out.String())
}
