package cluster_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// TestHooksHoldBetweenAccessListAndBalancer walks an instance through its life
// with a hook at each end, on real processes: while a launch hook holds it, it
// reaches the database and gets no traffic; while a terminate hook holds it, it
// still reaches the database and gets no traffic any more.
func TestHooksHoldBetweenAccessListAndBalancer(t *testing.T) {
	t.Parallel()
	w := start(t, nodes.Options{Providers: processProviders()})
	w.createConfiguration(webConfiguration())
	w.createGroup("web", webGroup(0))
	w.createHook("web", "boot", pb.LifecycleHook_LAUNCHING)
	w.createHook("web", "save", pb.LifecycleHook_TERMINATING)
	w.createRule("web", "add-one", 1)
	db := w.startDatabase("db")

	begin := w.feed.last()
	out := number(w.executeRule("web", "add-one"))
	opened := w.feed.await(begin, "the notice of boot", about("boot", of("web", pb.Event_LIFECYCLE_ACTION_OPENED)))
	held := w.instances("web", false)[opened.Instance]
	if held.GetState() != pb.Instance_PENDING_WAIT {
		t.Fatalf("%s is %s while boot holds it", opened.Instance, held.GetState())
	}
	if err := db.greets(held.Addresses[0]); err != nil {
		t.Errorf("held by the launch hook: %v", err)
	}
	w.getsNoTraffic(opened.Instance)
	w.complete("web", opened.Attributes["token"], pb.LifecycleHook_CONTINUE)
	w.awaitSettled("web", 1)
	w.checkOutside("web")
	w.inOrder(begin, out, []moment{
		{"activity", attribute(of("web", pb.Event_ACTIVITY_STARTED), "kind", "SCALE_OUT")},
		{"pending", state("web", pb.Instance_PENDING)},
		{"machine", step("web", "CREATE")},
		{"access list", step("web", "ALLOW")},
		{"started", step("web", "START")},
		{"waits", state("web", pb.Instance_PENDING_WAIT)},
		{"notice", of("web", pb.Event_LIFECYCLE_ACTION_OPENED)},
		{"completed", attribute(of("web", pb.Event_LIFECYCLE_ACTION_ENDED), "result", "CONTINUE")},
		{"proceeds", state("web", pb.Instance_PENDING_PROCEED)},
		{"balancer", step("web", "REGISTER")},
		{"healthy", step("web", "CHECK")},
		{"in service", state("web", pb.Instance_IN_SERVICE)},
		{"activity ended", attribute(of("web", pb.Event_ACTIVITY_ENDED), "status", "SUCCESSFUL")},
	}, 1)

	begin = w.feed.last()
	in := number(w.setDesired("web", 0))
	opened = w.feed.await(begin, "the notice of save", about("save", of("web", pb.Event_LIFECYCLE_ACTION_OPENED)))
	if err := db.greets(held.Addresses[0]); err != nil {
		t.Errorf("held by the terminate hook: %v", err)
	}
	if pids := w.processes()[opened.Instance]; len(pids) != 1 {
		t.Errorf("held by the terminate hook: its processes are %v", pids)
	}
	w.getsNoTraffic(opened.Instance)
	w.complete("web", opened.Attributes["token"], pb.LifecycleHook_CONTINUE)
	w.awaitSettled("web", 0)
	w.checkOutside("web")
	if err := db.greets(held.Addresses[0]); err == nil {
		t.Error("the database still lets it in after it is gone")
	}
	w.inOrder(begin, in, []moment{
		{"activity", attribute(of("web", pb.Event_ACTIVITY_STARTED), "kind", "SCALE_IN")},
		{"leaving", state("web", pb.Instance_TERMINATING)},
		{"balancer", step("web", "DRAIN")},
		{"waits", state("web", pb.Instance_TERMINATING_WAIT)},
		{"notice", of("web", pb.Event_LIFECYCLE_ACTION_OPENED)},
		{"completed", attribute(of("web", pb.Event_LIFECYCLE_ACTION_ENDED), "result", "CONTINUE")},
		{"proceeds", state("web", pb.Instance_TERMINATING_PROCEED)},
		{"stopped", step("web", "STOP")},
		{"access list", step("web", "REVOKE")},
		{"machine", step("web", "DELETE")},
		{"terminated", state("web", pb.Instance_TERMINATED)},
		{"activity ended", attribute(of("web", pb.Event_ACTIVITY_ENDED), "status", "SUCCESSFUL")},
	}, 1)
}

// TestWaitsOutliveTheLeader: what a hook holds stays held when the leader dies;
// a heartbeat and a completion at any node count once, and a deadline is where
// the notice put it.
func TestWaitsOutliveTheLeader(t *testing.T) {
	t.Parallel()
	w := start(t, nodes.Options{Providers: processProviders()})
	w.createConfiguration(webConfiguration())
	w.createGroup("web", webGroup(0))
	w.createHook("web", "boot", pb.LifecycleHook_LAUNCHING)
	w.createHook("web", "late", pb.LifecycleHook_LAUNCHING)
	begin := w.feed.last()
	w.setDesired("web", 1)
	boot := w.feed.await(begin, "the notice of boot", about("boot", of("web", pb.Event_LIFECYCLE_ACTION_OPENED)))
	late := w.feed.await(begin, "the notice of late", about("late", of("web", pb.Event_LIFECYCLE_ACTION_OPENED)))
	deadline := w.action("web", boot.Attributes["token"]).Deadline.AsTime()

	w.leader().Kill()
	// During the election it is either taken or refused with UNAVAILABLE, which
	// must makes again.
	w.heartbeat("web", boot.Attributes["token"])
	moved := w.action("web", boot.Attributes["token"]).Deadline.AsTime()
	if !moved.After(deadline) {
		t.Errorf("the heartbeat moved the deadline from %s to %s", deadline, moved)
	}
	w.restart()

	w.leader().Kill()
	w.complete("web", boot.Attributes["token"], pb.LifecycleHook_CONTINUE)
	w.restart()
	err := w.tryComplete("web", boot.Attributes["token"], pb.LifecycleHook_CONTINUE)
	if c := status.Code(err); c != codes.FailedPrecondition {
		t.Errorf("the second completion by one token answers %v: %v", c, err)
	}
	if i := w.instances("web", false)[boot.Instance]; i.GetState() != pb.Instance_PENDING_WAIT {
		t.Errorf("with one of two hooks completed it is %s", i.GetState())
	}
	w.leader().Kill()
	w.complete("web", late.Attributes["token"], pb.LifecycleHook_CONTINUE)
	w.restart()
	w.awaitSettled("web", 1)
	w.checkOutside("web")
	if opened := w.feed.after(begin, of("web", pb.Event_LIFECYCLE_ACTION_OPENED)); len(opened) != 2 {
		t.Errorf("%d notices for two hooks", len(opened))
	}
}

func (w *world) createHook(group, id string, transition pb.LifecycleHook_Transition) {
	w.Helper()
	w.must("create hook "+id, func(ctx context.Context, a api) error {
		_, err := a.hooks.CreateLifecycleHook(ctx, &pb.CreateLifecycleHookRequest{
			Parent: groupName(group), LifecycleHookId: id,
			LifecycleHook: &pb.LifecycleHook{Transition: transition, HeartbeatTimeout: seconds(120)},
		})
		return accepted(err)
	})
}

// number is the activity's, as events have it.
func number(a *pb.Activity) string { return a.GetName()[strings.LastIndexByte(a.GetName(), '/')+1:] }

func (w *world) actions(group string) []*pb.LifecycleAction {
	w.Helper()
	var found []*pb.LifecycleAction
	w.must("list the pending actions of "+group, func(ctx context.Context, a api) error {
		list, err := a.hooks.ListLifecycleActions(ctx, &pb.ListLifecycleActionsRequest{Parent: groupName(group), PageSize: 1000})
		found = list.GetLifecycleActions()
		return err
	})
	return found
}

func (w *world) action(group, token string) *pb.LifecycleAction {
	w.Helper()
	all := w.actions(group)
	at := slices.IndexFunc(all, func(a *pb.LifecycleAction) bool { return a.Token == token })
	if at < 0 {
		w.Fatalf("%s has no pending action with the token %s: %v", group, token, all)
	}
	return all[at]
}

func (w *world) tryComplete(group, token string, result pb.LifecycleHook_Result) error {
	return w.attempt(func(ctx context.Context, a api) error {
		_, err := a.hooks.CompleteLifecycleAction(ctx, &pb.CompleteLifecycleActionRequest{
			Parent: groupName(group), Token: token, Result: result,
		})
		return err
	})
}

// complete makes the call until it is answered; an id makes the repeats safe.
func (w *world) complete(group, token string, result pb.LifecycleHook_Result) {
	w.Helper()
	w.must("complete the action "+token, func(ctx context.Context, a api) error {
		_, err := a.hooks.CompleteLifecycleAction(ctx, &pb.CompleteLifecycleActionRequest{
			Parent: groupName(group), Token: token, Result: result, RequestId: "complete-" + token,
		})
		return err
	})
}

func (w *world) heartbeat(group, token string) {
	w.Helper()
	w.must("record a heartbeat of "+token, func(ctx context.Context, a api) error {
		_, err := a.hooks.RecordLifecycleActionHeartbeat(ctx, &pb.RecordLifecycleActionHeartbeatRequest{Parent: groupName(group), Token: token})
		return err
	})
}

func (w *world) getsNoTraffic(instance string) {
	w.Helper()
	for _, n := range w.Nodes {
		if n.Running() && slices.Contains(w.served(n), instance) {
			w.Errorf("%s's balancer sends traffic to %s", n.ID, instance)
		}
	}
}

// database is a server that greets the addresses in an access list's file and
// hangs up on all others.
type database struct {
	address string
	w       *world
	list    string
}

func (w *world) startDatabase(list string) *database {
	w.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { l.Close() })
	db := &database{address: l.Addr().String(), w: w, list: list}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			client, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
			if _, allowed := w.listed(list)[client]; allowed {
				fmt.Fprintln(conn, "welcome")
			}
			conn.Close()
		}
	}()
	return db
}

// greets dials as the address, as a program on that machine would.
func (db *database) greets(address string) error {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: 5 * time.Second}
	conn, err := dialer.Dial("tcp", db.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if line, _ := bufio.NewReader(conn).ReadString('\n'); strings.TrimSpace(line) != "welcome" {
		return fmt.Errorf("the database hangs up on %s", address)
	}
	return nil
}
