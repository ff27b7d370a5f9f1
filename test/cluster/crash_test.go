package cluster_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// arrow is a point in the journey of a breach: the leader is killed as soon as
// its event is seen.
type arrow struct {
	name  string
	match func(group string) func(*pb.Event) bool
}

func onType(t pb.Event_Type) func(string) func(*pb.Event) bool {
	return func(group string) func(*pb.Event) bool { return of(group, t) }
}

func onState(s pb.Instance_State) func(string) func(*pb.Event) bool {
	return func(group string) func(*pb.Event) bool { return state(group, s) }
}

func onStep(name string) func(string) func(*pb.Event) bool {
	return func(group string) func(*pb.Event) bool { return step(group, name) }
}

var launchArrows = []arrow{
	{"ALARM_STATE_CHANGED", func(group string) func(*pb.Event) bool {
		return attribute(of(group, pb.Event_ALARM_STATE_CHANGED), "to", "ALARM")
	}},
	{"TRIGGER_FIRED", onType(pb.Event_TRIGGER_FIRED)},
	{"ACTIVITY_STARTED", onType(pb.Event_ACTIVITY_STARTED)},
	{"PENDING", onState(pb.Instance_PENDING)},
	{"CREATE", onStep("CREATE")},
	{"ALLOW", onStep("ALLOW")},
	{"START", onStep("START")},
	{"PENDING_PROCEED", onState(pb.Instance_PENDING_PROCEED)},
	{"REGISTER", onStep("REGISTER")},
	{"CHECK", onStep("CHECK")},
	{"IN_SERVICE", onState(pb.Instance_IN_SERVICE)},
	{"ACTIVITY_ENDED", onType(pb.Event_ACTIVITY_ENDED)},
	{"COOLDOWN_STARTED", onType(pb.Event_COOLDOWN_STARTED)},
}

var removalArrows = []arrow{
	{"ACTIVITY_STARTED", onType(pb.Event_ACTIVITY_STARTED)},
	{"TERMINATING", onState(pb.Instance_TERMINATING)},
	{"DRAIN", onStep("DRAIN")},
	{"TERMINATING_PROCEED", onState(pb.Instance_TERMINATING_PROCEED)},
	{"STOP", onStep("STOP")},
	{"REVOKE", onStep("REVOKE")},
	{"DELETE", onStep("DELETE")},
	{"TERMINATED", onState(pb.Instance_TERMINATED)},
	{"ACTIVITY_ENDED", onType(pb.Event_ACTIVITY_ENDED)},
}

// TestLeaderKilledAfterEachArrow kills the leader with kill -9 at each point of
// a launch and of a removal. Whatever it had done, its successor does the rest,
// once. (The same with partitions, in virtual time, is another test.)
func TestLeaderKilledAfterEachArrow(t *testing.T) {
	w := start(t, nodes.Options{Providers: processProviders()})
	w.createConfiguration(webConfiguration())
	m := &matrix{}
	defer func() { t.Log("crash matrix\n" + m.String()) }()
	rows := max(len(launchArrows), len(removalArrows))
	for n := range rows {
		// A group per row: launched into, then emptied.
		group := fmt.Sprintf("row-%d", n)
		w.createGroup(group, webGroup(1))
		w.createRule(group, "add-two", 2)
		w.createRule(group, "remove-two", -2)
		w.awaitSettled(group, 1)
		w.endCooldown(group) // of the group's creation
		launch := crash{w: w, m: m, group: group, kind: "SCALE_OUT"}
		if n < len(launchArrows) {
			launch.arrow = launchArrows[n]
		}
		launch.run(func() {
			w.createAlarm(group, "high", pb.AlarmTask_GREATER_THAN, 80, "add-two")
			load := w.push(group, 100)
			defer load.stop()
			w.feed.await(launch.begin, "scale-out of "+group, attribute(of(group, pb.Event_ACTIVITY_STARTED), "kind", "SCALE_OUT"))
		}, 2, 0)

		removal := crash{w: w, m: m, group: group, kind: "SCALE_IN"}
		if n < len(removalArrows) {
			removal.arrow = removalArrows[n]
			removal.run(func() { w.executeRule(group, "remove-two") }, 0, 2)
		}
		w.deleteGroup(group)
		w.checkOutside()
	}
}

// crash is one row: a change of capacity during which the leader dies.
type crash struct {
	w           *world
	m           *matrix
	group, kind string
	arrow       arrow
	begin       int64
}

func (c *crash) run(trigger func(), launches, removals int) {
	w, t := c.w, c.w
	t.Helper()
	c.begin = w.feed.last()
	machines, removed := w.machines(), w.removed()
	want := len(w.processes()) + launches - removals
	leader := w.leader()
	var killed time.Time
	var lastSeen int64
	done := make(chan struct{})
	match := c.arrow.match(c.group)
	w.feed.on(func(e *pb.Event) bool { return e.Index > c.begin && match(e) }, func(*pb.Event) {
		killed = time.Now()
		leader.Kill()
		lastSeen = w.feed.last()
		close(done)
	})
	trigger()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s of %s never came to %s\n%s", c.kind, c.group, c.arrow.name, w.story(c.begin))
	}
	w.leader()
	failOver := time.Since(killed)

	started := w.feed.await(c.begin, c.kind+" of "+c.group, attribute(of(c.group, pb.Event_ACTIVITY_STARTED), "kind", c.kind))
	ended := w.feed.await(c.begin, "end of "+c.kind+" of "+c.group, func(e *pb.Event) bool {
		return e.Type == pb.Event_ACTIVITY_ENDED && e.Group == c.group && e.Activity == started.Activity
	})
	w.awaitSettled(c.group, int32(want))
	w.restart()
	w.checkOutside(c.group)

	row := matrixRow{
		kind: c.kind, arrow: c.arrow.name, failOver: failOver, status: ended.Attributes["status"], launches: launches, removals: removals,
		starts: len(w.feed.after(c.begin, attribute(of(c.group, pb.Event_ACTIVITY_STARTED), "kind", c.kind))),
		ends:   len(w.feed.after(c.begin, of(c.group, pb.Event_ACTIVITY_ENDED))),
	}
	if last := w.feed.after(0, func(e *pb.Event) bool { return e.Index == lastSeen }); len(last) == 1 {
		row.last = short(last[0])
	}
	for id := range w.machines() {
		if !machines[id] {
			row.made++
			row.begun += w.starts(id)
		}
	}
	row.removed = len(w.removed()) - len(removed)
	for _, pids := range w.processes() {
		row.running += len(pids)
	}
	row.wanted = want
	// What checkOutside has just waited for, counted for the table.
	live := w.instances(c.group, false)
	for _, id := range w.listed("db") {
		if live[id] == nil {
			row.left++
		}
	}
	for _, n := range w.Nodes {
		for _, id := range w.served(n) {
			if live[id] == nil {
				row.left++
			}
		}
	}
	c.m.rows = append(c.m.rows, row)
	if row.starts != 1 || row.ends != 1 || row.status != "SUCCESSFUL" || row.made != launches || row.begun != launches ||
		row.removed != removals || row.running != want || row.left != 0 {
		t.Errorf("%s killed after %s: %+v; live %v\n%s", c.kind, c.arrow.name, row, slices.Sorted(maps.Keys(live)), w.story(c.begin))
	}
}

func short(e *pb.Event) string {
	switch e.Type {
	case pb.Event_INSTANCE_STATE:
		return e.State.String()
	case pb.Event_INSTANCE_STEP:
		return e.Step
	}
	return e.Type.String()
}

// matrix is the table of all rows.
type matrix struct{ rows []matrixRow }

type matrixRow struct {
	kind, arrow, last, status string
	failOver                  time.Duration
	starts, ends              int // of activities
	launches, made, begun     int // intents, machines, processes that ran
	removals, removed         int // intents, machines
	wanted, running           int // processes
	left                      int // addresses and targets that should be gone
}

func (m *matrix) String() string {
	var b strings.Builder
	out := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "activity\tkilled after\tlast fact seen\tnext leader\tactivities\tended\tstatus\tlaunches\tmade\tstarted\tremovals\tremoved\tprocesses\tleft in list or pool")
	slices.SortStableFunc(m.rows, func(a, b matrixRow) int { return strings.Compare(b.kind, a.kind) })
	for _, r := range m.rows {
		fmt.Fprintf(out, "%s\t%s\t%s\t%d ms\t%d\t%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d of %d\t%d\n",
			r.kind, r.arrow, r.last, r.failOver.Milliseconds(), r.starts, r.ends, r.status, r.launches, r.made, r.begun, r.removals, r.removed, r.running, r.wanted, r.left)
	}
	_ = out.Flush() // to a Builder
	return b.String()
}
