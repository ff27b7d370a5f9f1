package cluster_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// TestEverythingGoesOnAfterAllNodesDieAtOnce kills the three nodes in the middle
// of a scale-out, while a cooldown runs and a scheduled task is due soon.
func TestEverythingGoesOnAfterAllNodesDieAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t, nodes.Options{Providers: processProviders()})
	c := webConfiguration()
	c.Env["START_DELAY"] = "2s" // long enough to be killed in
	w.createConfiguration(c)
	const cooldown = 14 * time.Second
	g := webGroup(0)
	g.DefaultCooldown = seconds(cooldown.Seconds())
	w.createGroup("web", g)
	w.createRule("web", "add-one", 1)
	w.createAlarm("web", "high", pb.AlarmTask_GREATER_THAN, 80, "add-one")

	// A first activity starts the cooldown, and the alarm is refused by it.
	begin := w.feed.last()
	w.setDesired("web", 1)
	w.feed.await(begin, "cooldown", of("web", pb.Event_COOLDOWN_STARTED))
	until := w.group("web").CooldownUntil.AsTime()
	w.push("web", 100)
	w.feed.await(begin, "refusal by the cooldown", attribute(of("web", pb.Event_REQUEST_REFUSED), "reason", "COOLDOWN"))

	// A task for the time after the restart, and a scale-out that it comes into.
	due := time.Now().Add(7 * time.Second).Truncate(time.Second)
	w.must("create the task", func(ctx context.Context, a api) error {
		_, err := a.schedules.CreateScheduledTask(ctx, &pb.CreateScheduledTaskRequest{Parent: groupName("web"), ScheduledTaskId: "grow", ScheduledTask: &pb.ScheduledTask{
			StartTime: timestamppb.New(due),
			Action:    &pb.ScheduledTask_Capacity_{Capacity: &pb.ScheduledTask_Capacity{DesiredCapacity: proto.Int32(5)}},
		}})
		return accepted(err)
	})
	begin = w.feed.last()
	manual := w.setDesired("web", 3)
	w.feed.await(begin, "a machine that started", step("web", "START"))
	var dead sync.WaitGroup
	for _, n := range w.Nodes {
		dead.Go(n.Kill)
	}
	dead.Wait()
	if late := time.Since(due); late > -2*time.Second {
		t.Logf("this machine is slow: the task is due in %s only", -late)
	}
	w.restart()

	if got := w.group("web").CooldownUntil.AsTime(); got.Before(until) {
		t.Errorf("the cooldown ends at %s, it was %s", got, until)
	}
	w.feed.await(begin, "end of the activity", func(e *pb.Event) bool {
		return of("web", pb.Event_ACTIVITY_ENDED)(e) && groupName("web")+"/activities/"+e.Activity == manual.Name
	})
	ran := w.feed.await(begin, "the task ran", of("web", pb.Event_SCHEDULED_TASK_RUN))
	if early, late := ran.Time.AsTime().Sub(due) < 0, ran.Time.AsTime().Sub(due) > 5*time.Second; early || late {
		t.Errorf("the task ran at %s, it was due at %s", ran.Time.AsTime(), due)
	}
	// The alarm still is in ALARM: it is heard when the cooldown is over, not before.
	alarmed := w.feed.await(begin, "the alarm's activity", attribute(of("web", pb.Event_ACTIVITY_STARTED), "trigger", "ALARM"))
	for _, e := range w.feed.after(begin, of("web", pb.Event_COOLDOWN_STARTED)) {
		if end, err := time.Parse(time.RFC3339Nano, e.Attributes["until"]); err == nil && e.Index < alarmed.Index && end.After(until) {
			until = end
		}
	}
	if at := alarmed.Time.AsTime(); at.Before(until) || at.After(until.Add(10*time.Second)) {
		t.Errorf("the alarm was heard at %s, the cooldown ended at %s", at, until)
	}
	w.awaitSettled("web", 6)
	if runs := w.feed.after(begin, of("web", pb.Event_SCHEDULED_TASK_RUN)); len(runs) != 1 {
		t.Errorf("the task ran %d times", len(runs))
	}
	ended := map[string]int{}
	for _, e := range w.feed.after(0, of("web", pb.Event_ACTIVITY_ENDED)) {
		ended[e.Activity]++
	}
	for id, times := range ended {
		if times != 1 {
			t.Errorf("activity %s ended %d times", id, times)
		}
	}
	if made := len(w.machines()); made != 6 {
		t.Errorf("%d machines were made for 6 intents", made)
	}
	for id := range w.machines() {
		if n := w.starts(id); n != 1 {
			t.Errorf("%s started %d times", id, n)
		}
	}
	w.checkOutside("web")
	if t.Failed() {
		t.Log(fmt.Sprint("\n", w.story(0)))
	}
}
