package cluster_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// move is something that people do to an instance, with the points at which the
// leader is killed in the middle of it.
type move struct {
	kind   pb.Activity_Kind
	arrows []arrow
	// begin asks for it; who is the instance meant, as the ring left it.
	begin func(r *ring)
	// after says how many serve and rest in standby then.
	inService, standby int32
}

var moves = []move{
	{
		kind: pb.Activity_ENTER_STANDBY, inService: 1, standby: 1,
		arrows: []arrow{
			{"ACTIVITY_STARTED", onType(pb.Event_ACTIVITY_STARTED)},
			{"ENTERING_STANDBY", onState(pb.Instance_ENTERING_STANDBY)},
			{"DRAIN", onStep("DRAIN")},
			{"STANDBY", onState(pb.Instance_STANDBY)},
			{"ACTIVITY_ENDED", onType(pb.Event_ACTIVITY_ENDED)},
		},
		begin: func(r *ring) {
			r.w.call("enter standby", func(ctx context.Context, a api, id string) error {
				_, err := a.instances.EnterStandby(ctx, &pb.EnterStandbyRequest{Parent: groupName(r.group), Instances: []string{r.who}, DecrementDesired: true, RequestId: id})
				return err
			})
		},
	},
	{
		kind: pb.Activity_EXIT_STANDBY, inService: 2,
		arrows: []arrow{
			{"ACTIVITY_STARTED", onType(pb.Event_ACTIVITY_STARTED)},
			{"PENDING_PROCEED", onState(pb.Instance_PENDING_PROCEED)},
			{"REGISTER", onStep("REGISTER")},
			{"CHECK", onStep("CHECK")},
			{"IN_SERVICE", onState(pb.Instance_IN_SERVICE)},
		},
		begin: func(r *ring) {
			r.w.call("exit standby", func(ctx context.Context, a api, id string) error {
				_, err := a.instances.ExitStandby(ctx, &pb.ExitStandbyRequest{Parent: groupName(r.group), Instances: []string{r.who}, RequestId: id})
				return err
			})
		},
	},
	{
		kind: pb.Activity_DETACH, inService: 1,
		arrows: []arrow{
			{"ACTIVITY_STARTED", onType(pb.Event_ACTIVITY_STARTED)},
			{"DETACHING", onState(pb.Instance_DETACHING)},
			{"DRAIN", onStep("DRAIN")},
			{"REVOKE", onStep("REVOKE")},
			{"RELEASE", onStep("RELEASE")},
		},
		begin: func(r *ring) {
			i := r.w.instances(r.group, false)[r.who]
			r.machine = fmt.Sprintf("%d@%s", r.pid, i.Addresses[0])
			r.w.call("detach", func(ctx context.Context, a api, id string) error {
				_, err := a.instances.DetachInstances(ctx, &pb.DetachInstancesRequest{Parent: groupName(r.group), Instances: []string{r.who}, DecrementDesired: true, RequestId: id})
				return err
			})
		},
	},
	{
		kind: pb.Activity_ATTACH, inService: 2,
		arrows: []arrow{
			{"ACTIVITY_STARTED", onType(pb.Event_ACTIVITY_STARTED)},
			{"PENDING", onState(pb.Instance_PENDING)},
			{"CREATE", onStep("CREATE")},
			{"ALLOW", onStep("ALLOW")},
			{"REGISTER", onStep("REGISTER")},
		},
		begin: func(r *ring) {
			r.w.call("attach", func(ctx context.Context, a api, id string) error {
				_, err := a.instances.AttachInstances(ctx, &pb.AttachInstancesRequest{Parent: groupName(r.group), MachineIds: []string{r.machine}, Entrusted: true, RequestId: id})
				return err
			})
		},
	},
}

// TestLeaderKilledInTheMiddleOfEachMove takes one machine round and round, into
// standby and out of it, out of the group and into it again, and kills the
// leader with kill -9 at each point of it. The process is the same all the time:
// nothing starts another one, and nothing ends it.
func TestLeaderKilledInTheMiddleOfEachMove(t *testing.T) {
	w := start(t, nodes.Options{Providers: processProviders()})
	w.createConfiguration(webConfiguration())
	w.createGroup("web", webGroup(2))
	w.awaitSettled("web", 2)
	r := &ring{w: w, group: "web"}
	r.who = slices.Sorted(maps.Keys(w.instances("web", false)))[0]
	r.pid = w.processes()[r.who][0]
	defer func() { t.Log("crash matrix of moves\n" + r.String()) }()
	for round := range len(moves[0].arrows) {
		for _, m := range moves {
			r.kill(m, m.arrows[round])
		}
	}
}

// ring is the machine on its way round.
type ring struct {
	w          *world
	group, who string
	machine    string // as it is attached by
	pid        int
	rows       []string
}

func (r *ring) kill(m move, at arrow) {
	w, t := r.w, r.w
	t.Helper()
	begin, leader := w.feed.last(), w.leader()
	done := make(chan time.Time, 1)
	match := at.match(r.group)
	w.feed.on(func(e *pb.Event) bool { return e.Index > begin && match(e) }, func(*pb.Event) {
		leader.Kill()
		done <- time.Now()
	})
	m.begin(r)
	var killed time.Time
	select {
	case killed = <-done:
	case <-time.After(patience):
		t.Fatalf("%s never came to %s\n%s", m.kind, at.name, w.story(begin))
	}
	w.leader()
	failOver := time.Since(killed)
	ended := w.feed.await(begin, "the end of "+m.kind.String(), attribute(of(r.group, pb.Event_ACTIVITY_ENDED), "kind", m.kind.String()))
	w.restart()
	w.eventually(fmt.Sprintf("%d serve and %d rest", m.inService, m.standby), func() error {
		c := w.group(r.group).Counts
		if c.GetInService() != m.inService || c.GetStandby() != m.standby || c.GetTotal() != m.inService+m.standby {
			return fmt.Errorf("counts are %v", c)
		}
		return nil
	})
	if m.kind == pb.Activity_ATTACH {
		for id, i := range w.instances(r.group, false) {
			if i.Origin == pb.Instance_ATTACHED {
				r.who = id
			}
		}
	}
	r.checkOutside(m)
	activities := w.feed.after(begin, of(r.group, pb.Event_ACTIVITY_STARTED))
	ends := w.feed.after(begin, of(r.group, pb.Event_ACTIVITY_ENDED))
	r.rows = append(r.rows, fmt.Sprintf("%s\t%s\t%d ms\t%d\t%d\t%s", m.kind, at.name, failOver.Milliseconds(), len(activities), len(ends), ended.Attributes["status"]))
	if len(activities) != 1 || len(ends) != 1 || ended.Attributes["status"] != "SUCCESSFUL" {
		t.Errorf("%s killed after %s: %d activities, %d ends, %s\n%s", m.kind, at.name, len(activities), len(ends), ended.Attributes["status"], w.story(begin))
	}
}

// checkOutside looks at the two processes, the list and the pools.
func (r *ring) checkOutside(m move) {
	w := r.w
	w.Helper()
	w.eventually("the world outside is as recorded", func() error {
		pids := slices.Concat(slices.Collect(maps.Values(w.processes()))...)
		if len(pids) != 2 || !slices.Contains(pids, r.pid) {
			return fmt.Errorf("the processes are %v; the one that moves is %d", pids, r.pid)
		}
		var serving, allowed []string
		for id, i := range w.instances(r.group, false) {
			allowed = append(allowed, i.Addresses...)
			if i.State == pb.Instance_IN_SERVICE {
				serving = append(serving, id)
			}
		}
		slices.Sort(allowed)
		if listed := slices.Sorted(maps.Keys(w.listed("db"))); !slices.Equal(listed, allowed) {
			return fmt.Errorf("the list has %v, want %v", listed, allowed)
		}
		for _, n := range w.Nodes {
			if !n.Running() {
				continue
			}
			// The process answers with the name that it was started under.
			if served := w.served(n); len(served) != len(serving) {
				return fmt.Errorf("%s's balancer serves %v, want %v", n.ID, served, serving)
			}
		}
		return nil
	})
}

func (r *ring) String() string {
	var b strings.Builder
	out := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "activity\tkilled after\tnext leader\tactivities\tended\tstatus")
	for _, row := range r.rows {
		fmt.Fprintln(out, row)
	}
	_ = out.Flush() // to a Builder
	return b.String()
}

// call makes one request until it is answered, safely.
func (w *world) call(what string, call func(ctx context.Context, a api, requestID string) error) {
	w.Helper()
	id := uuid.NewString()
	w.must(what, func(ctx context.Context, a api) error { return call(ctx, a, id) })
}
