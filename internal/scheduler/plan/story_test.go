package plan_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

var update = flag.Bool("update", false, "write the golden files of the stories")

// story is a simulation without faults: what happens in it is written down as the
// event log tells it.
type story struct {
	*simulation
	text strings.Builder
	seen uint64
}

// TestStories compares what the event log tells of typical lives with
// testdata/*.txt. They are the workflow of the design, line by line.
func TestStories(t *testing.T) {
	for name, tell := range map[string]func(*story){
		"launch":            tellLaunch,
		"removal":           tellRemoval,
		"launch-failure":    tellLaunchFailure,
		"no-room":           tellNoRoom,
		"replacement":       tellReplacement,
		"storm":             tellStorm,
		"never-healthy":     tellNeverHealthy,
		"delete":            tellDelete,
		"attachments":       tellAttachments,
		"removed-launching": tellRemovedWhileLaunching,
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{simulation: newSimulation(t, 1)}
			s.calm = true
			s.seen = s.view().LastEvent()
			tell(s)
			file := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(s.text.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(s.text.String(), "\n")); d != "" {
				t.Errorf("the story is another one (-want +got); -update writes it:\n%s", d)
			}
		})
	}
}

// chapter lets rounds of a second pass and writes down what happened in them.
func (s *story) chapter(title string, rounds int) {
	fmt.Fprintf(&s.text, "# %s\n", title)
	for range rounds {
		s.round()
	}
	for e := range s.view().Events(s.seen) {
		s.seen = e.Index
		s.text.WriteString(tell(e) + "\n")
	}
}

func tell(e *autoscaling.Event) string {
	parts := []string{fmt.Sprintf("%6s", time.Duration(e.Time-1_800_000_000_000_000)*time.Microsecond), string(e.Type)}
	for _, part := range []string{short(string(e.Instance)), stateName(e.State), e.Step.String(), e.Subject} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if e.Activity != 0 {
		parts = append(parts, fmt.Sprintf("activity %d", e.Activity))
	}
	if e.Message != "" {
		parts = append(parts, "- "+strings.ReplaceAll(e.Message, "i-000000000000000", "i-"))
	}
	return strings.Join(parts, " ")
}

func short(id string) string { return strings.Replace(id, "i-000000000000000", "i-", 1) }

func stateName(s autoscaling.InstanceState) string {
	if s == 0 {
		return ""
	}
	return s.String()
}

// group makes the group "web".
func (s *story) group(desired int32, change func(*autoscaling.GroupSpec)) *autoscaling.Group {
	spec := autoscaling.DefaultGroupSpec()
	spec.Max, spec.Desired = 10, desired
	spec.Configuration = autoscaling.ConfigurationRef{ID: "app"}
	spec.AccessLists, spec.Balancers = theLists, thePools
	if change != nil {
		change(&spec)
	}
	s.do("create", func(tx *fsm.Tx) error {
		_, err := s.ops.CreateGroup(tx, control.CreateGroupRequest{Namespace: "default", NewMeta: control.NewMeta{ID: "web"}, Spec: spec, DesiredNamed: true})
		return err
	})
	return s.view().GroupByID("default", "web")
}

func (s *story) desired(n int32) {
	s.do("desired", func(tx *fsm.Tx) error {
		_, err := s.ops.SetDesiredCapacity(tx, control.SetDesiredCapacityRequest{Name: theGroup, Desired: n})
		return err
	})
}

var theGroup = control.GroupName{Namespace: "default", ID: "web"}

func (s *story) instances() []*autoscaling.Instance {
	var all []*autoscaling.Instance
	for i := range s.view().Instances(s.view().GroupByID("default", "web").UID) {
		all = append(all, i)
	}
	return all
}

func tellLaunch(s *story) {
	s.group(1, nil)
	s.chapter("created with one instance: list before start, start before pool, pool before service", 20)
}

func tellRemoval(s *story) {
	s.group(1, nil)
	s.chapter("created with one instance", 20)
	s.desired(0)
	s.chapter("desired is 0: the mirror", 20)
}

func tellLaunchFailure(s *story) {
	s.group(0, nil)
	s.cloud.broken = true
	s.desired(1)
	s.chapter("the machine ends as soon as it runs: rolled back, and tried again after a pause", 12)
	s.cloud.broken = false
	s.chapter("machines work again", 20)
}

func tellNoRoom(s *story) {
	s.cloud.full["a"] = true
	s.group(1, func(g *autoscaling.GroupSpec) {
		g.Zones = []autoscaling.Zone{{Name: "a"}, {Name: "b"}}
		g.AccessLists, g.Balancers = nil, nil
	})
	s.chapter("zone a has no room: b at once", 10)
}

func tellReplacement(s *story) {
	s.group(2, nil)
	s.chapter("created with two instances", 30)
	m := s.cloud.machines[string(s.instances()[0].ID)]
	m.State, m.Message = providers.MachineStopped, "exit status 1"
	s.chapter("one machine ends: removed and replaced in one activity", 20)
}

func tellStorm(s *story) {
	s.group(4, func(g *autoscaling.GroupSpec) {
		g.HealthCheck.Types = append(g.HealthCheck.Types, autoscaling.HealthBalancer)
		g.HealthCheck.GracePeriod = 5 * time.Second
	})
	s.chapter("created with four instances", 30)
	report := func(healthy bool) {
		for _, i := range s.instances() {
			s.do("health", func(tx *fsm.Tx) error {
				return s.ops.ReportTargetHealth(tx, control.HealthReport{
					Group: i.Group, Instance: i.ID, Provider: "edge", Pool: "web", Healthy: healthy, Message: "connection refused",
				})
			})
		}
		for _, g := range s.groups() {
			s.pass(g)
		}
	}
	report(false)
	s.chapter("the pool finds all of them unhealthy: held, and released when it finds them well", 3)
}

func tellNeverHealthy(s *story) {
	s.group(0, func(g *autoscaling.GroupSpec) { g.LaunchTimeout = 30 * time.Second })
	s.desired(1)
	s.unhealthy = true
	s.chapter("the pool never finds it healthy: a failed launch at launch_timeout", 40)
}

func tellDelete(s *story) {
	s.group(2, nil)
	s.chapter("created with two instances", 20)
	s.do("delete", func(tx *fsm.Tx) error {
		_, err := s.ops.DeleteGroup(tx, control.DeleteGroupRequest{Name: theGroup, Force: true})
		return err
	})
	s.chapter("deleted with force", 20)
}

func tellAttachments(s *story) {
	s.group(1, func(g *autoscaling.GroupSpec) { g.AccessLists, g.Balancers = nil, nil })
	s.chapter("created without pool and list", 10)
	change := func(lists []autoscaling.AccessListRef, pools []autoscaling.BalancerRef) {
		s.do("update", func(tx *fsm.Tx) error {
			_, err := s.ops.UpdateGroup(tx, control.UpdateGroupRequest{Name: theGroup, Change: func(_ *autoscaling.Meta, g *autoscaling.GroupSpec) error {
				g.AccessLists, g.Balancers = lists, pools
				return nil
			}})
			return err
		})
	}
	change(theLists, thePools)
	s.chapter("pool and list added to the group", 10)
	i := s.instances()[0]
	fmt.Fprintf(&s.text, "%v %v, in the list %v, in the pool %v\n", i.AccessLists, i.Balancers, len(s.list.entries), len(s.pool.targets))
	change(nil, nil)
	s.chapter("and taken away again", 30)
	i = s.instances()[0]
	fmt.Fprintf(&s.text, "%v %v, in the list %v, in the pool %v\n", i.AccessLists, i.Balancers, len(s.list.entries), len(s.pool.targets))
}

func tellRemovedWhileLaunching(s *story) {
	s.group(3, nil)
	s.chapter("created with three instances, which are on their way", 3)
	s.desired(1)
	s.chapter("desired is 1", 20)
}
