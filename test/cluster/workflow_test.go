package cluster_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// TestWorkflowIsInTheEventLogInOrder runs a scale-out and a scale-in that alarms
// ask for, on real processes, and reads the lines of the workflow out of the
// event log.
func TestWorkflowIsInTheEventLogInOrder(t *testing.T) {
	t.Parallel()
	w := start(t, nodes.Options{Providers: processProviders()})
	// The instances look themselves whether their address is in the list before
	// they run: the shell becomes the program only then.
	list, trespass := filepath.Join(w.Dir, "access", "db.txt"), filepath.Join(w.Dir, "trespass")
	c := webConfiguration()
	c.Command = []string{"/bin/sh", "-c", fmt.Sprintf(`grep -q "^$AS_ADDRESS #" %s || echo $AS_ADDRESS >> %s; exec %s`, list, trespass, webapp())}
	w.createConfiguration(c)
	g := webGroup(1)
	g.DefaultCooldown = seconds(4)
	w.createGroup("web", g)
	w.createRule("web", "add-two", 2)
	w.createRule("web", "remove-two", -2)
	w.createAlarm("web", "high", pb.AlarmTask_GREATER_THAN, 80, "add-two")
	w.createAlarm("web", "low", pb.AlarmTask_LESS_THAN, 20, "remove-two")
	w.awaitSettled("web", 1)
	load := w.push("web", 50)

	t.Log("scale-out")
	begin := w.feed.last()
	load.set(100)
	cooled := w.feed.await(begin, "cooldown after the scale-out", of("web", pb.Event_COOLDOWN_STARTED))
	refused := w.feed.await(begin, "a refusal on record", of("web", pb.Event_REQUEST_REFUSED))
	load.set(50)
	if reason := refused.Attributes["reason"]; reason != "ACTIVITY_IN_PROGRESS" && reason != "COOLDOWN" {
		t.Errorf("the alarm's second request was refused for %q: %s", reason, line(refused))
	}
	w.inOrder(begin, cooled.Activity, []moment{
		{"1 alarm", attribute(about("high", of("web", pb.Event_ALARM_STATE_CHANGED)), "to", "ALARM")},
		{"1 trigger", attribute(about("add-two", of("web", pb.Event_TRIGGER_FIRED)), "trigger", "ALARM")},
		{"2-4 activity", attribute(of("web", pb.Event_ACTIVITY_STARTED), "kind", "SCALE_OUT")},
		{"4 intents", state("web", pb.Instance_INITIAL)},
		{"5 pending", state("web", pb.Instance_PENDING)},
		{"5 machine", step("web", "CREATE")},
		{"5 access list", step("web", "ALLOW")},
		{"5 started", step("web", "START")},
		{"5 proceeds", state("web", pb.Instance_PENDING_PROCEED)},
		{"5 balancer", step("web", "REGISTER")},
		{"5 healthy", step("web", "CHECK")},
		{"5 in service", state("web", pb.Instance_IN_SERVICE)},
		{"6 activity ended", attribute(of("web", pb.Event_ACTIVITY_ENDED), "status", "SUCCESSFUL")},
		{"6 cooldown", of("web", pb.Event_COOLDOWN_STARTED)},
	}, 2)
	w.awaitSettled("web", 3)
	w.checkOutside("web")
	if text, err := os.ReadFile(trespass); err == nil {
		t.Errorf("started before they were in the access list: %s", text)
	}

	t.Log("scale-in")
	begin = w.feed.last()
	load.set(5)
	cooled = w.feed.await(begin, "cooldown after the scale-in", of("web", pb.Event_COOLDOWN_STARTED))
	load.set(50)
	w.inOrder(begin, cooled.Activity, []moment{
		{"1 alarm", attribute(about("low", of("web", pb.Event_ALARM_STATE_CHANGED)), "to", "ALARM")},
		{"1 trigger", attribute(about("remove-two", of("web", pb.Event_TRIGGER_FIRED)), "trigger", "ALARM")},
		{"2-4 activity", attribute(of("web", pb.Event_ACTIVITY_STARTED), "kind", "SCALE_IN")},
		{"5 leaving", state("web", pb.Instance_TERMINATING)},
		{"5 balancer", step("web", "DRAIN")},
		{"5 proceeds", state("web", pb.Instance_TERMINATING_PROCEED)},
		{"5 stopped", step("web", "STOP")},
		{"5 access list", step("web", "REVOKE")},
		{"5 machine", step("web", "DELETE")},
		{"5 terminated", state("web", pb.Instance_TERMINATED)},
		{"6 activity ended", attribute(of("web", pb.Event_ACTIVITY_ENDED), "status", "SUCCESSFUL")},
		{"6 cooldown", of("web", pb.Event_COOLDOWN_STARTED)},
	}, 2)
	w.awaitSettled("web", 1)
	w.checkOutside("web")
}

// moment is a line of the workflow in the event log.
type moment struct {
	name  string
	match func(*pb.Event) bool
}

// inOrder checks that the activity's events behind the index have the moments:
// those of the group once, those of instances once for each of them, and each
// instance's in the order given, between what the group's say.
func (w *world) inOrder(begin int64, activity string, moments []moment, instances int) {
	w.Helper()
	byInstance := map[string]int64{} // the index of its last moment
	groupAt := int64(0)              // the index of the last moment of all
	latest := int64(0)
	fail := func(m moment, format string, args ...any) {
		w.Helper()
		w.Errorf("%s: %s\n%s", m.name, fmt.Sprintf(format, args...), w.story(begin))
	}
	for _, m := range moments {
		found := w.feed.after(begin, func(e *pb.Event) bool { return m.match(e) && (e.Activity == "" || e.Activity == activity) })
		if len(found) == 0 {
			fail(m, "is not in the event log")
			continue
		}
		if found[0].Instance == "" {
			// What comes after the instances comes after all of them.
			if e := found[0]; e.Index <= max(groupAt, latest) {
				fail(m, "comes too early")
			} else {
				groupAt = e.Index
			}
			continue
		}
		if len(found) != instances {
			fail(m, "is there %d times, for %d instances", len(found), instances)
		}
		for _, e := range found {
			if e.Index <= byInstance[e.Instance] || e.Index <= groupAt {
				fail(m, "of %s comes too early", e.Instance)
			}
			byInstance[e.Instance] = e.Index
			latest = max(latest, e.Index)
		}
	}
}

// story is the event log behind an index.
func (w *world) story(after int64) string {
	var b strings.Builder
	for _, e := range w.feed.after(after, func(*pb.Event) bool { return true }) {
		fmt.Fprintln(&b, line(e))
	}
	return b.String()
}
