package control_test

import (
	"errors"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
)

func TestEverythingIsFoundByIDAndByUID(t *testing.T) {
	s := begin()
	s.Drive()
	r := s.View().Reader
	g := s.Group("web")
	child := func(group, id string) control.ChildName {
		return control.ChildName{Namespace: "default", Group: group, ID: id}
	}
	for _, group := range []string{"web", string(g.UID)} {
		rule, alarm, task := r.Rule(g.UID, "half"), r.AlarmTask(g.UID, "low"), r.ScheduledTask(g.UID, "often")
		for _, id := range []string{"half", string(rule.UID)} {
			if _, found, err := control.FindRule(r, child(group, id)); found != rule {
				t.Error(group, id, err)
			}
		}
		for _, id := range []string{"low", string(alarm.UID)} {
			if _, found, err := control.FindAlarmTask(r, child(group, id)); found != alarm {
				t.Error(group, id, err)
			}
		}
		for _, id := range []string{"often", string(task.UID)} {
			if _, found, err := control.FindScheduledTask(r, child(group, id)); found != task {
				t.Error(group, id, err)
			}
		}
		for _, id := range []string{"i-00000000000000002", string(autoscaling.InstanceUID("i-00000000000000002"))} {
			if _, found, err := control.FindInstance(r, child(group, id)); err != nil || found.ID != "i-00000000000000002" {
				t.Error(group, id, err)
			}
		}
		for _, id := range []string{"1", string(autoscaling.ActivityUID(1))} {
			if _, found, err := control.FindActivity(r, child(group, id)); err != nil || found.ID != 1 {
				t.Error(group, id, err)
			}
		}
	}
	c := r.ConfigurationByID("default", "web")
	if found, err := control.FindConfiguration(r, control.ConfigurationName{Namespace: "default", ID: string(c.UID)}); found != c {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"a group of another namespace": second(control.FindGroup(r, control.GroupName{Namespace: "other", ID: string(g.UID)})),
		"another group's activity":     third(control.FindActivity(r, child("api", "1"))),
		"an activity of words":         third(control.FindActivity(r, child("web", "first"))),
		"an instance nobody made":      third(control.FindInstance(r, child("web", "i-0000000000000ffff"))),
		"a rule by an alarm's uid":     third(control.FindRule(r, child("web", string(r.AlarmTask(g.UID, "low").UID)))),
	} {
		var e *autoscaling.Error
		if !errors.As(err, &e) || e.Reason != autoscaling.NotFound || e.Resource == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

func TestWhatADeletedGroupLeavesIsFound(t *testing.T) {
	s := begin()
	s.Drive()
	s.do(fields("delete web force"))
	s.Drive()
	name := control.ChildName{Namespace: "default", Group: "web"}
	name.ID = "1"
	if g, a, err := control.FindActivity(s.View().Reader, name); err != nil || a.ID != 1 || g.State != autoscaling.GroupDeleted {
		t.Error(err)
	}
	name.ID = "i-00000000000000001"
	if _, i, err := control.FindInstance(s.View().Reader, name); err != nil || i.State != autoscaling.Terminated {
		t.Error(err)
	}
	if _, err := control.FindGroup(s.View().Reader, control.GroupName{Namespace: "default", ID: "web"}); err == nil {
		t.Error("the group is still found")
	}
}
