package control_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

// kept is a group of three in zones a and b, behind a pool, with a rule, an alarm
// and a task that runs each five minutes.
func kept(t *testing.T) *story {
	t.Helper()
	return doing(t, []string{
		"configuration web ports=80",
		"group web min=0 max=8 desired=3 configuration=web zones=a,b pools=edge/web cooldown=0s rebalance=on",
		"rule web/add CHANGE_IN_CAPACITY 1",
		"rule web/sub CHANGE_IN_CAPACITY -1",
		"alarm web/high above=70 rules=add",
		"task web/often cron=*/5~*~*~*~* rule=add window=60s",
		"drive",
	})
}

func doing(t *testing.T, lines []string) *story {
	t.Helper()
	s := &story{World: newWorld()}
	for _, line := range lines {
		s.do(fields(line))
	}
	return s
}

// tellAll is what somebody does, with the answers but without the events.
func (s *story) tellAll(deeds string) string {
	s.out.Reset()
	for _, d := range strings.Split(deeds, ";") {
		s.do(fields(strings.TrimSpace(d)))
	}
	return s.out.String()
}

// members are the group's live instances in words: how many in each state, who is
// unhealthy, and who is in the pool.
func (s *story) members() string {
	g := s.Group("web")
	by := map[autoscaling.InstanceState]int{}
	unhealthy, registered := 0, 0
	for i := range s.View().Instances(g.UID) {
		by[i.State]++
		if i.Health == autoscaling.HealthUnhealthy {
			unhealthy++
		}
		for _, b := range i.Balancers {
			if b.State == autoscaling.AttachmentActive {
				registered++
			}
		}
	}
	return fmt.Sprintf("desired %d, in service %d, standby %d, unhealthy %d, registered %d",
		g.Desired, by[autoscaling.InService], by[autoscaling.Standby], unhealthy, registered)
}

// Each process, while it is suspended and when it is resumed: the effect of
// semantics.md, no more and no less.
func TestEachSuspendedProcessHasItsEffect(t *testing.T) {
	rest := "desired 3, in service 3, standby 0, unhealthy 0, registered 3"
	for _, c := range []struct {
		process, does string
		says          string // part of the answer
		is            string // while it is suspended
		resumed       string
	}{
		{"LAUNCH", "set-desired web 4", "PROCESS_SUSPENDED: process LAUNCH", rest, rest},
		{"LAUNCH", "execute web/add", "PROCESS_SUSPENDED: process LAUNCH", rest, rest},
		{"LAUNCH", "set-desired web 2", "SCALE_IN IN_PROGRESS", "desired 2, in service 2, standby 0, unhealthy 0, registered 2", "desired 2, in service 2, standby 0, unhealthy 0, registered 2"},
		{"LAUNCH", "health web i1 unhealthy", "", "desired 3, in service 2, standby 0, unhealthy 0, registered 2", rest},
		{"LAUNCH", "gone i1", "", "desired 3, in service 2, standby 0, unhealthy 0, registered 2", rest},
		{"LAUNCH", "enter-standby web instances=i1", "ENTER_STANDBY", "desired 3, in service 2, standby 1, unhealthy 0, registered 2",
			"desired 3, in service 3, standby 1, unhealthy 0, registered 3"},
		{"LAUNCH", "rebalance web", "PROCESS_SUSPENDED: process LAUNCH", rest, rest},
		{"TERMINATE", "set-desired web 2", "PROCESS_SUSPENDED: process TERMINATE", rest, rest},
		{"TERMINATE", "execute web/sub", "PROCESS_SUSPENDED: process TERMINATE", rest, rest},
		{"TERMINATE", "remove web instances=i1", "PROCESS_SUSPENDED: process TERMINATE", rest, rest},
		{"TERMINATE", "set-desired web 4", "SCALE_OUT IN_PROGRESS", "desired 4, in service 4, standby 0, unhealthy 0, registered 4", "desired 4, in service 4, standby 0, unhealthy 0, registered 4"},
		{"TERMINATE", "health web i1 unhealthy", "", "desired 3, in service 3, standby 0, unhealthy 1, registered 3", rest},
		{"TERMINATE", "delete web force", "DELETE_GROUP IN_PROGRESS", "desired 3, in service 0, standby 0, unhealthy 0, registered 0", ""},
		{"HEALTH_CHECK", "gone i1", "", rest, rest}, // nobody marks it
		{"HEALTH_CHECK", "health web i1 unhealthy", "", rest, rest},
		{"REPLACE_UNHEALTHY", "gone i1", "", "desired 3, in service 3, standby 0, unhealthy 1, registered 3", rest},
		{"REPLACE_UNHEALTHY", "health web i1 unhealthy", "", "desired 3, in service 3, standby 0, unhealthy 1, registered 3", rest},
		{"REPLACE_UNHEALTHY", "set-desired web 4", "SCALE_OUT IN_PROGRESS", "desired 4, in service 4, standby 0, unhealthy 0, registered 4", "desired 4, in service 4, standby 0, unhealthy 0, registered 4"},
		{"ALARM", "report web/high 90", "", rest, rest},
		{"ALARM", "execute web/add", "SCALE_OUT IN_PROGRESS", "desired 4, in service 4, standby 0, unhealthy 0, registered 4", "desired 4, in service 4, standby 0, unhealthy 0, registered 4"},
		{"SCHEDULED", "advance 6m; run web", "", rest, rest}, // and it is not caught up
		{"LOAD_BALANCER", "set-desired web 4", "SCALE_OUT IN_PROGRESS", "desired 4, in service 4, standby 0, unhealthy 0, registered 3", "desired 4, in service 4, standby 0, unhealthy 0, registered 3"},
		{"LOAD_BALANCER", "set-desired web 2", "SCALE_IN IN_PROGRESS", "desired 2, in service 2, standby 0, unhealthy 0, registered 2", "desired 2, in service 2, standby 0, unhealthy 0, registered 2"},
		{"ZONE_REBALANCE", "rebalance web", "PROCESS_SUSPENDED: process ZONE_REBALANCE", rest, rest},
		{"REFRESH", "set-desired web 4", "SCALE_OUT IN_PROGRESS", "desired 4, in service 4, standby 0, unhealthy 0, registered 4", "desired 4, in service 4, standby 0, unhealthy 0, registered 4"},
	} {
		t.Run(c.process+"/"+strings.Fields(c.does)[0], func(t *testing.T) {
			s := kept(t)
			s.tellAll("suspend web " + c.process)
			if answer := s.tellAll(c.does); !strings.Contains(answer, c.says) {
				t.Errorf("%s answers %q, want %q", c.does, answer, c.says)
			}
			s.tellAll("drive; advance 10s; drive")
			if is := s.members(); is != c.is {
				t.Errorf("after %s it has %s, want %s", c.does, is, c.is)
			}
			if c.resumed == "" {
				return
			}
			s.tellAll("unsuspend web " + c.process + "; drive; advance 10s; drive")
			if is := s.members(); is != c.resumed {
				t.Errorf("resumed it has %s, want %s", is, c.resumed)
			}
		})
	}
}

// On resume an alarm that is still in ALARM asks again; a scheduled run that was
// passed over does not.
func TestWhatIsSuspendedIsAskedForAgainOnlyByAlarms(t *testing.T) {
	s := kept(t)
	s.tellAll("suspend web ALARM SCHEDULED; report web/high 90; advance 6m; run web; unsuspend web ALARM SCHEDULED")
	if is := s.Group("web").Desired; is != 3 {
		t.Fatalf("desired is %d", is)
	}
	s.tellAll("run web; drive")
	if is := s.Group("web").Desired; is != 3 {
		t.Errorf("a run that was passed over is caught up: desired is %d", is)
	}
	s.tellAll("report web/high 90; drive")
	if is := s.Group("web").Desired; is != 4 {
		t.Errorf("the alarm does not ask again: desired is %d", is)
	}
}

// A suspended ZONE_REBALANCE holds what the service does by itself.
func TestZonesStayUnevenWhileZoneRebalanceIsSuspended(t *testing.T) {
	s := kept(t)
	s.tellAll("suspend web ZONE_REBALANCE; update web zones=c; drive")
	if is := s.tellAll("show web"); !strings.Contains(is, "ZONE_IMBALANCE") || strings.Contains(s.tellAll("instances web"), " c") {
		t.Errorf("it is %s", is)
	}
	s.tellAll("unsuspend web ZONE_REBALANCE; drive")
	if is := s.tellAll("instances web"); strings.Count(is, " c\n") != 3 {
		t.Errorf("they are not moved:\n%s", is)
	}
}

// Pause: what moves finishes, nothing new starts, people's wishes wait, rules and
// moves of instances are refused, health is shown; resume makes up for it.
func TestPausedGroupFinishesWhatMovesAndStartsNothing(t *testing.T) {
	paused := "GROUP_PAUSED: group web is paused"
	s := kept(t)
	s.tellAll("set-desired web 4; step; pause web; drive")
	if is := s.members(); is != "desired 4, in service 4, standby 0, unhealthy 0, registered 4" {
		t.Fatalf("what moves does not finish: %s", is)
	}
	for _, c := range []struct{ does, says string }{
		{"execute web/add", paused}, {"adjust web CHANGE_IN_CAPACITY 1", paused}, {"rebalance web", paused},
		{"remove web instances=i1", paused}, {"detach web instances=i1", paused}, {"enter-standby web instances=i1", paused},
		{"set-desired web 5", "SUCCESSFUL 4 → 5"}, {"update web max=7", "group web: PAUSED"}, {"health web i1 unhealthy", ""},
		{"report web/high 90", ""}, {"advance 6m; run web", ""}, {"gone i2", ""},
	} {
		if answer := s.tellAll(c.does); !strings.Contains(answer, c.says) {
			t.Errorf("%s answers %q, want %q", c.does, answer, c.says)
		}
	}
	s.tellAll("drive")
	if is := s.members(); is != "desired 5, in service 4, standby 0, unhealthy 2, registered 4" {
		t.Errorf("paused it has %s", is)
	}
	s.tellAll("resume web; drive")
	if is := s.members(); is != "desired 5, in service 5, standby 0, unhealthy 0, registered 5" {
		t.Errorf("resumed it has %s", is)
	}
}

// Who comes back from standby while LOAD_BALANCER is suspended enters service
// unregistered, and is not registered later, like who is launched then.
func TestWhoComesBackWhileLoadBalancerIsSuspendedStaysUnregistered(t *testing.T) {
	s := after("configuration web ports=80; group web max=4 desired=2 configuration=web pools=edge/web grace=0s; drive; enter-standby web instances=i1 decrement; drive; " +
		"suspend web LOAD_BALANCER; exit-standby web instances=i1; set-desired web 3; drive; unsuspend web LOAD_BALANCER; drive")
	for id, want := range map[string]autoscaling.AttachmentState{
		"i1": autoscaling.AttachmentPending, "i2": autoscaling.AttachmentActive, "i3": autoscaling.AttachmentPending,
	} {
		if i := s.instance(id); i.State != autoscaling.InService || i.Balancers[0].State != want {
			t.Errorf("%s is %s, in the pool %d, not %d: %s", id, i.State, i.Balancers[0].State, want, s.out.String())
		}
	}
	// The next time it comes back it is.
	for _, line := range []string{"enter-standby web instances=i1 decrement", "drive", "exit-standby web instances=i1", "drive"} {
		s.do(fields(line))
	}
	if i := s.instance("i1"); i.Balancers[0].State != autoscaling.AttachmentActive {
		t.Errorf("it is %s, in the pool %d", i.State, i.Balancers[0].State)
	}
}
