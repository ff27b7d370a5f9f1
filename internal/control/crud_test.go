package control_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// What cannot be is refused with its reason and field, and nothing is written.
func TestRequestsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		line   string
		reason autoscaling.Reason
		field  string
	}{
		{"configuration web", autoscaling.AlreadyExists, ""},
		{"configuration Web", autoscaling.InvalidArgument, "configuration_id"},
		{"configuration api provider=cloud", autoscaling.InvalidArgument, "provider"},
		{"update-configuration web etag=9", autoscaling.EtagMismatch, ""},
		{"update-configuration nothing", autoscaling.NotFound, ""},
		{"update-configuration web ports=0", autoscaling.InvalidArgument, "ports[0]"},
		{"delete-configuration nothing", autoscaling.NotFound, ""},
		{"delete-configuration web", autoscaling.InUse, ""},
		{"group web max=1", autoscaling.AlreadyExists, ""},
		{"group api min=3 max=2", autoscaling.InvalidArgument, "min_size"},
		{"group api min=-1 max=2", autoscaling.InvalidArgument, "min_size"},
		{"group api min=1 max=2 desired=3", autoscaling.OutOfRange, "desired_capacity"},
		{"group api max=1000001", autoscaling.InvalidArgument, "max_size"},
		{"group api max=1 configuration=nothing", autoscaling.DependencyMissing, "configuration.name"},
		{"group api max=1 configuration=web pools=edge/nothing", autoscaling.DependencyMissing, "balancers"},
		{"group api max=1 configuration=web pools=nobody/web", autoscaling.DependencyMissing, "balancers"},
		{"group api max=1 configuration=web lists=files/nothing", autoscaling.DependencyMissing, "access_lists"},
		{"update nothing max=1", autoscaling.NotFound, ""},
		{"update web etag=99 max=11", autoscaling.EtagMismatch, ""},
		{"update web desired=11", autoscaling.OutOfRange, "desired_capacity"},
		{"update web min=11", autoscaling.InvalidArgument, "min_size"},
		{"suspend web", autoscaling.InvalidArgument, "processes"},
		{"suspend web EVERYTHING", autoscaling.InvalidArgument, "processes[0]"},
		{"rule web/half CHANGE_IN_CAPACITY 1", autoscaling.AlreadyExists, ""},
		{"rule nothing/r CHANGE_IN_CAPACITY 1", autoscaling.NotFound, ""},
		{"rule web/r EXACT_CAPACITY -1", autoscaling.InvalidArgument, "simple.adjustment"},
		{"update-rule web/half etag=7", autoscaling.EtagMismatch, ""},
		{"delete-rule web/half", autoscaling.InUse, ""},
		{"delete-rule web/nothing", autoscaling.NotFound, ""},
		{"alarm web/low rules=half", autoscaling.AlreadyExists, ""},
		{"alarm web/a rules=nothing", autoscaling.NotFound, ""},
		{"alarm web/a", autoscaling.InvalidArgument, "rules"},
		{"alarm web/a rules=half source=nowhere", autoscaling.InvalidArgument, "metric.source"},
		{"task web/often in=1m rule=half", autoscaling.AlreadyExists, ""},
		{"task web/t in=1m", autoscaling.InvalidArgument, "rule"},
		{"task web/t in=1m rule=half min=3", autoscaling.InvalidArgument, "capacity"},
		{"adjust web NONSENSE 1", autoscaling.InvalidArgument, "adjustment_type"},
		{"set-desired nothing 1", autoscaling.NotFound, ""},
		{"health web i1 nonsense", autoscaling.WrongState, ""},
		{"protect web i99", autoscaling.NotFound, ""},
	} {
		t.Run(c.line, func(t *testing.T) {
			s := begin()
			_, before := s.View().LogPosition()
			err := s.Do(func(tx *fsm.Tx) error {
				_, err := s.command(tx, fields(c.line))
				return err
			})
			var e *autoscaling.Error
			if !errors.As(err, &e) || e.Reason != c.reason || e.Field != c.field || e.Message == "" {
				t.Errorf("%#v, want %s about %q", err, c.reason, c.field)
			}
			if _, after := s.View().LogPosition(); after != before {
				t.Error("something was written")
			}
		})
	}
}

func TestChangesOfNothingWriteNothing(t *testing.T) {
	s := begin()
	s.Drive()
	for _, line := range []string{
		"update-configuration web ports=80", "update web max=10", "update web", "unsuspend web LAUNCH", "update-rule web/half", "enable web/low",
		"unprotect web i1", "health web i1 healthy", "resume web",
	} {
		if line == "resume web" {
			s.do(fields(line)) // it clears the cooldown
		}
		_, before := s.View().LogPosition()
		s.do(fields(line))
		if _, after := s.View().LogPosition(); after != before {
			t.Errorf("%q wrote something", line)
		}
	}
	if s.out.String() == "" {
		t.Error("nothing was answered")
	}
}

func TestExternalNamesAreUniquePerDialectAndKind(t *testing.T) {
	s := begin()
	s.do(fields("configuration api"))
	create := func(kind, id, dialect, name string) error {
		meta := control.NewMeta{ID: id, ExternalNames: map[string]string{dialect: name}}
		parent := control.GroupName{Namespace: "default", ID: "web"}
		return s.Do(func(tx *fsm.Tx) (err error) {
			switch kind {
			case "configuration":
				_, _, err = s.Ops.CreateConfiguration(tx, control.CreateConfigurationRequest{Namespace: "default", NewMeta: meta, Template: autoscaling.Template{Provider: "sim"}})
			case "group":
				_, err = s.Ops.CreateGroup(tx, control.CreateGroupRequest{Namespace: "default", NewMeta: meta, Spec: autoscaling.DefaultGroupSpec()})
			case "rule":
				_, err = s.Ops.CreateRule(tx, control.CreateRuleRequest{Parent: parent, NewMeta: meta, Rule: autoscaling.Rule{
					Simple: &autoscaling.SimpleRule{AdjustmentType: autoscaling.ChangeInCapacity, Adjustment: 1},
				}})
			}
			return err
		})
	}
	for _, kind := range []string{"configuration", "group", "rule"} {
		if err := create(kind, "one", "aws", "name"); err != nil {
			t.Fatal(kind, err)
		}
		var e *autoscaling.Error
		if err := create(kind, "two", "aws", "name"); !errors.As(err, &e) || e.Reason != autoscaling.AlreadyExists || e.Field != "external_names" {
			t.Error(kind, err)
		}
		if err := create(kind, "two", "huawei", "name"); err != nil {
			t.Error(kind, err)
		}
		if err := create(kind, "three", "aws", "another"); err != nil {
			t.Error(kind, err)
		}
	}
}

func TestAGroupHasAThousandRulesAtMost(t *testing.T) {
	s := begin()
	made := 0
	s.MustDo(func(tx *fsm.Tx) error {
		for n := range control.MaxChildren + 1 {
			_, err := s.command(tx, fields(fmt.Sprintf("rule web/r%d CHANGE_IN_CAPACITY 1", n)))
			var e *autoscaling.Error
			switch {
			case err == nil:
				made++
			case !errors.As(err, &e) || e.Reason != autoscaling.LimitExceeded:
				return err
			}
		}
		return nil
	})
	if made != control.MaxChildren-3 {
		t.Errorf("%d more than three were made", made)
	}
}

func TestLeastBusyGoFirst(t *testing.T) {
	s := begin()
	s.Drive()
	s.Platform.Loads["i-00000000000000001"] = 90
	s.Platform.Loads["i-00000000000000002"] = 10
	s.Platform.Loads["i-00000000000000003"] = 50
	s.MustDo(func(tx *fsm.Tx) error {
		_, err := s.Ops.UpdateGroup(tx, control.UpdateGroupRequest{
			Name: control.GroupName{Namespace: "default", ID: "web"},
			Change: func(_ *autoscaling.Meta, g *autoscaling.GroupSpec) error {
				g.TerminationPolicies = []autoscaling.TerminationRule{autoscaling.TerminateLeastBusy}
				return nil
			},
		})
		return err
	})
	s.do(fields("set-desired web 2"))
	if i := s.View().Instance(s.Group("web").UID, "i-00000000000000002"); i.State.Counted() {
		t.Error("the idle one stayed")
	}
}

func TestAnUpdateOfLabelsKeepsTheVersion(t *testing.T) {
	s := begin()
	s.MustDo(func(tx *fsm.Tx) error {
		c, v, err := s.Ops.UpdateConfiguration(tx, control.UpdateConfigurationRequest{
			Name: control.ConfigurationName{Namespace: "default", ID: "web"}, Etag: "1",
			Change: func(m *autoscaling.Meta, _ *autoscaling.Template) error {
				m.Labels, m.ID = map[string]string{"team": "shop"}, "stolen"
				return nil
			},
		})
		if err != nil || c.Latest != 1 || v.Version != 1 || c.Etag() != "2" || c.Labels["team"] != "shop" || c.ID != "web" {
			t.Errorf("%+v %+v %v", c, v, err)
		}
		return err
	})
}

// A group of ten thousand is one decision.
func BenchmarkSetDesiredTenThousand(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s := begin()
		s.do(fields("update web max=20000"))
		s.Drive()
		b.StartTimer()
		s.MustDo(func(tx *fsm.Tx) error {
			_, err := s.command(tx, fields("set-desired web 10000"))
			return err
		})
	}
}
