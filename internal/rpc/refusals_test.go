package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

const other = ns + "/groups/other"

// setUpMoves makes group "web", whose two instances wait in hook "warm", and group
// "other", of 2 to 3, whose two instances serve.
func setUpMoves(t testing.TB, c *testCluster) (api clients, waiting []*pb.LifecycleAction, serving []*pb.Instance) {
	t.Helper()
	ctx := context.Background()
	api = c.nodes[0].clients()
	ok[*pb.Configuration](t)(api.CreateConfiguration(ctx, &pb.CreateConfigurationRequest{Parent: ns, ConfigurationId: "web", Configuration: simConfiguration()}))
	group := func(id string, low, high int32, hooks ...*pb.LifecycleHook) {
		ok[*pb.Group](t)(api.CreateGroup(ctx, &pb.CreateGroupRequest{Parent: ns, GroupId: id, Group: &pb.Group{
			MinSize: p(low), MaxSize: p(high), DesiredCapacity: p(int32(2)), Configuration: &pb.Group_ConfigurationReference{Name: "web"},
			Balancers: []*pb.Group_Balancer{{Provider: "edge", Pool: "web"}}, Hooks: hooks,
		}}))
	}
	group("web", 1, 5, &pb.LifecycleHook{Name: "warm", Transition: pb.LifecycleHook_LAUNCHING, HeartbeatTimeout: durationpb.New(time.Minute)})
	group("other", 2, 3)
	c.drive()
	waiting = ok[*pb.ListLifecycleActionsResponse](t)(api.ListLifecycleActions(ctx, &pb.ListLifecycleActionsRequest{Parent: web})).GetLifecycleActions()
	serving = ok[*pb.ListInstancesResponse](t)(api.ListInstances(ctx, &pb.ListInstancesRequest{Parent: other, Filter: "state = IN_SERVICE"})).GetInstances()
	if len(waiting) != 2 || len(serving) != 2 {
		t.Fatalf("%d wait, %d serve", len(waiting), len(serving))
	}
	return api, waiting, serving
}

// refused is a request that must be refused, on both faces in the same way.
type refused struct {
	name   string
	before func() // what happens first
	method string
	req    proto.Message
	post   string // the path of REST; the body is req without what is in the path
	code   codes.Code
	status int
	reason autoscaling.Reason
	says   string
	items  []string // of a batch: field and reason of each that stands in the way
}

func TestEachRefusalOfMovesAndHooksIsItsOwn(t *testing.T) {
	c := startCluster(t, 2)
	api, waiting, serving := setUpMoves(t, c)
	ctx := context.Background()
	complete := func(in, token string) *pb.CompleteLifecycleActionRequest {
		return &pb.CompleteLifecycleActionRequest{Parent: in, Token: token, Result: pb.LifecycleHook_CONTINUE}
	}
	heartbeat := func(token string) *pb.RecordLifecycleActionHeartbeatRequest {
		return &pb.RecordLifecycleActionHeartbeatRequest{Parent: web, Token: token}
	}
	attach := func(ids ...string) *pb.AttachInstancesRequest {
		return &pb.AttachInstancesRequest{Parent: other, MachineIds: ids}
	}
	first, second := waiting[0].GetToken(), waiting[1].GetToken()
	hook := func(timeout time.Duration) *pb.LifecycleHook {
		return &pb.LifecycleHook{Transition: pb.LifecycleHook_TERMINATING, HeartbeatTimeout: durationpb.New(timeout)}
	}
	const (
		completing = pb.LifecycleHookService_CompleteLifecycleAction_FullMethodName
		recording  = pb.LifecycleHookService_RecordLifecycleActionHeartbeat_FullMethodName
		creating   = pb.LifecycleHookService_CreateLifecycleHook_FullMethodName
		attaching  = pb.InstanceService_AttachInstances_FullMethodName
	)
	for _, r := range []refused{
		{
			name: "wrong state", method: pb.InstanceService_EnterStandby_FullMethodName, post: web + "/instances:enterStandby",
			req:  &pb.EnterStandbyRequest{Parent: web, Instances: []string{waiting[0].GetInstance(), waiting[1].GetInstance()}},
			code: codes.FailedPrecondition, status: 400, reason: autoscaling.WrongState, says: "is PENDING_WAIT",
			items: []string{"instances[0] WRONG_STATE", "instances[1] WRONG_STATE"},
		},
		{
			name: "not a token", method: completing, post: web + "/lifecycleActions:complete", req: complete(web, "6b2f7d3a-1111-4111-8111-0123456789ab"),
			code: codes.InvalidArgument, status: 400, reason: autoscaling.InvalidArgument, says: "is not a token",
		},
		{
			name: "malformed token", method: completing, post: web + "/lifecycleActions:complete", req: complete(web, "warm"),
			code: codes.InvalidArgument, status: 400, reason: autoscaling.InvalidArgument, says: `"warm" is not a token of a lifecycle action`,
		},
		{
			name: "a heartbeat for a malformed token", method: recording, post: web + "/lifecycleActions:recordHeartbeat", req: heartbeat(strings.ToUpper(first) + "-"),
			code: codes.InvalidArgument, status: 400, reason: autoscaling.InvalidArgument, says: "is not a token of a lifecycle action",
		},
		{
			name: "a token longer than any", method: completing, post: web + "/lifecycleActions:complete", req: complete(web, strings.Repeat("0", 65)),
			code: codes.InvalidArgument, status: 400, reason: autoscaling.InvalidArgument, says: "at most 64 characters",
		},
		{
			name: "a token that was never given out", method: completing, post: web + "/lifecycleActions:complete", req: complete(web, "ffffffff"+first[8:]),
			code: codes.NotFound, status: 404, reason: autoscaling.NotFound, says: "was not given out",
		},
		{
			name: "a token of another instance", method: completing, post: other + "/lifecycleActions:complete", req: complete(other, first),
			code: codes.NotFound, status: 404, reason: autoscaling.NotFound, says: "is that of an instance of another group",
		},
		{
			name: "double completion", method: completing, post: web + "/lifecycleActions:complete", req: complete(web, first),
			before: func() {
				ok[*pb.CompleteLifecycleActionResponse](t)(api.CompleteLifecycleAction(ctx, complete(web, first)))
			},
			code: codes.FailedPrecondition, status: 400, reason: autoscaling.WrongState, says: "was completed with CONTINUE",
		},
		{
			name: "an expired token", method: completing, post: web + "/lifecycleActions:complete", req: complete(web, second),
			before: func() { c.now.Add(int64(2 * time.Minute / time.Microsecond)) },
			code:   codes.FailedPrecondition, status: 400, reason: autoscaling.WrongState, says: "expired at",
		},
		{
			name: "a heartbeat for an expired token", method: recording, post: web + "/lifecycleActions:recordHeartbeat", req: heartbeat(second),
			code: codes.FailedPrecondition, status: 400, reason: autoscaling.WrongState, says: "expired at",
		},
		{
			name: "hook name clash", method: creating, post: web + "/lifecycleHooks?lifecycleHookId=warm",
			req:  &pb.CreateLifecycleHookRequest{Parent: web, LifecycleHookId: "warm", LifecycleHook: hook(time.Minute)},
			code: codes.AlreadyExists, status: 409, reason: autoscaling.AlreadyExists, says: "exists",
		},
		{
			name: "heartbeat timeout too short", method: creating, post: web + "/lifecycleHooks?lifecycleHookId=x",
			req:  &pb.CreateLifecycleHookRequest{Parent: web, LifecycleHookId: "x", LifecycleHook: hook(30*time.Second - 1)},
			code: codes.InvalidArgument, status: 400, reason: autoscaling.InvalidArgument, says: "heartbeat_timeout",
		},
		{
			name: "heartbeat timeout too long", method: creating, post: web + "/lifecycleHooks?lifecycleHookId=x",
			req:  &pb.CreateLifecycleHookRequest{Parent: web, LifecycleHookId: "x", LifecycleHook: hook(24*time.Hour + 1)},
			code: codes.InvalidArgument, status: 400, reason: autoscaling.InvalidArgument, says: "heartbeat_timeout",
		},
		{
			name: "more than 50 hooks", method: creating, post: web + "/lifecycleHooks?lifecycleHookId=x",
			req: &pb.CreateLifecycleHookRequest{Parent: web, LifecycleHookId: "x", LifecycleHook: hook(time.Minute)},
			before: func() {
				for i := range 49 {
					ok[*pb.LifecycleHook](t)(api.CreateLifecycleHook(ctx, &pb.CreateLifecycleHookRequest{Parent: web, LifecycleHookId: fmt.Sprintf("h%d", i), LifecycleHook: hook(time.Minute)}))
				}
			},
			code: codes.ResourceExhausted, status: 429, reason: autoscaling.LimitExceeded, says: "50 lifecycle hooks",
		},
		{
			name: "an unknown machine", method: attaching, post: other + "/instances:attach", req: attach("m-9"),
			code: codes.NotFound, status: 404, reason: autoscaling.NotFound, says: "has no machine m-9", items: []string{"machine_ids[0] NOT_FOUND"},
		},
		{
			name: "a foreign machine", method: attaching, post: other + "/instances:attach", req: attach("foreign"),
			code: codes.PermissionDenied, status: 403, reason: autoscaling.PermissionDenied, says: "belongs to another cluster", items: []string{"machine_ids[0] PERMISSION_DENIED"},
		},
		{
			name: "a dead machine", method: attaching, post: other + "/instances:attach", req: attach("stopped"),
			code: codes.FailedPrecondition, status: 400, reason: autoscaling.WrongState, says: "does not run", items: []string{"machine_ids[0] WRONG_STATE"},
		},
		{
			name: "a machine of another group", method: attaching, post: other + "/instances:attach", req: attach("m-1", "m-2"),
			before: func() {
				ok[*pb.Activity](t)(api.AttachInstances(ctx, &pb.AttachInstancesRequest{Parent: web, MachineIds: []string{"m-2"}}))
			},
			code: codes.FailedPrecondition, status: 400, reason: autoscaling.InUse, says: "m-2", items: []string{"machine_ids[1] IN_USE"},
		},
		{
			name: "attach above max", method: attaching, post: other + "/instances:attach", req: attach("m-1", "m-3"),
			code: codes.OutOfRange, status: 400, reason: autoscaling.OutOfRange, says: "max_size 3",
		},
		{
			name: "detach below min", method: pb.InstanceService_DetachInstances_FullMethodName, post: other + "/instances:detach",
			req:  &pb.DetachInstancesRequest{Parent: other, Instances: []string{serving[0].GetName()}, DecrementDesired: true},
			code: codes.OutOfRange, status: 400, reason: autoscaling.OutOfRange, says: "min_size 2",
		},
		{
			name: "standby below min", method: pb.InstanceService_EnterStandby_FullMethodName, post: other + "/instances:enterStandby",
			req:  &pb.EnterStandbyRequest{Parent: other, Instances: []string{serving[0].GetName()}, DecrementDesired: true},
			code: codes.OutOfRange, status: 400, reason: autoscaling.OutOfRange, says: "min_size 2",
		},
		{
			name: "standby of a terminating instance", method: pb.InstanceService_EnterStandby_FullMethodName, post: other + "/instances:enterStandby",
			req: &pb.EnterStandbyRequest{Parent: other, Instances: []string{serving[1].GetName(), serving[0].GetName()}},
			before: func() {
				ok[*pb.Activity](t)(api.RemoveInstances(ctx, &pb.RemoveInstancesRequest{Parent: other, Instances: []string{serving[0].GetName()}}))
			},
			code: codes.FailedPrecondition, status: 400, reason: autoscaling.WrongState, says: "is TERMINATING", items: []string{"instances[1] WRONG_STATE"},
		},
		{
			name: "exit standby of one that serves", method: pb.InstanceService_ExitStandby_FullMethodName, post: other + "/instances:exitStandby",
			req:  &pb.ExitStandbyRequest{Parent: other, Instances: []string{serving[1].GetName()}},
			code: codes.FailedPrecondition, status: 400, reason: autoscaling.WrongState, says: "is IN_SERVICE", items: []string{"instances[0] WRONG_STATE"},
		},
	} {
		t.Run(r.name, func(t *testing.T) {
			if r.before != nil {
				r.before()
			}
			was := shown(t, api)
			for _, n := range c.nodes { // the second forwards
				r.checkGRPC(t, n)
				r.checkREST(t, n)
			}
			if is := shown(t, api); is != was {
				t.Errorf("something changed:\n%s\nwas\n%s", is, was)
			}
		})
	}
}

func (r refused) checkGRPC(t *testing.T, n *testNode) {
	t.Helper()
	answer := new(pb.Activity)
	err := n.conn.Invoke(context.Background(), r.method, r.req, answer)
	st := wantError(t, err, r.code, r.reason)
	if !strings.Contains(st.Message(), r.says) {
		t.Errorf("%q does not say %q", st.Message(), r.says)
	}
	if r.items == nil {
		return
	}
	var items []string
	for _, v := range detail[*errdetails.BadRequest](t, st).GetFieldViolations() {
		items = append(items, v.GetField()+" "+v.GetReason())
		if v.GetDescription() == "" {
			t.Errorf("nothing is said of %s", v.GetField())
		}
	}
	if strings.Join(items, ", ") != strings.Join(r.items, ", ") {
		t.Errorf("items %q, want %q", items, r.items)
	}
}

func (r refused) checkREST(t *testing.T, n *testNode) {
	t.Helper()
	body := proto.Clone(r.req)
	if create, is := body.(*pb.CreateLifecycleHookRequest); is {
		body = create.GetLifecycleHook()
	} else {
		body.ProtoReflect().Clear(body.ProtoReflect().Descriptor().Fields().ByName("parent"))
	}
	data, err := protojson.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodPost, "/v1/"+r.post, strings.NewReader(string(data)))
	request.Host = ownHost
	n.server.HTTP().ServeHTTP(w, request)
	var said struct{ Message string }
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
		t.Errorf("REST answers %s: %v", w.Body, err)
	}
	if w.Code != r.status || !strings.Contains(w.Body.String(), `"`+string(r.reason)+`"`) || !strings.Contains(said.Message, r.says) {
		t.Errorf("REST answers %d %s, want %d %s, %q", w.Code, w.Body, r.status, r.reason, r.says)
	}
}

// shown is what a user sees of the groups, besides the refusals on record.
func shown(t *testing.T, api clients) string {
	t.Helper()
	ctx := context.Background()
	var all []string
	for _, parent := range []string{web, other} {
		g := ok[*pb.Group](t)(api.GetGroup(ctx, &pb.GetGroupRequest{Name: parent}))
		for _, m := range []proto.Message{
			g,
			ok[*pb.ListInstancesResponse](t)(api.ListInstances(ctx, &pb.ListInstancesRequest{Parent: parent, IncludeFinal: true})),
			ok[*pb.ListLifecycleHooksResponse](t)(api.ListLifecycleHooks(ctx, &pb.ListLifecycleHooksRequest{Parent: parent, PageSize: 100})),
			ok[*pb.ListActivitiesResponse](t)(api.ListActivities(ctx, &pb.ListActivitiesRequest{Parent: parent, Filter: "status != REJECTED"})),
		} {
			data, err := protojson.Marshal(m) // within a process always the same
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(data))
		}
	}
	return strings.Join(all, "\n")
}

func TestBatchesAreOneToAHundred(t *testing.T) {
	c := startCluster(t, 1)
	api := c.nodes[0].clients()
	many := make([]string, 101)
	for i := range many {
		many[i] = fmt.Sprintf("i-%017x", i)
	}
	ctx := context.Background()
	for _, ids := range [][]string{nil, many, {many[0], many[0]}, {""}} {
		for name, call := range map[string]func() error{
			"machine_ids": func() error {
				_, err := api.AttachInstances(ctx, &pb.AttachInstancesRequest{Parent: web, MachineIds: ids})
				return err
			},
			"detach": func() error {
				_, err := api.DetachInstances(ctx, &pb.DetachInstancesRequest{Parent: web, Instances: ids})
				return err
			},
			"enter": func() error {
				_, err := api.EnterStandby(ctx, &pb.EnterStandbyRequest{Parent: web, Instances: ids})
				return err
			},
			"exit": func() error {
				_, err := api.ExitStandby(ctx, &pb.ExitStandbyRequest{Parent: web, Instances: ids})
				return err
			},
			"remove": func() error {
				_, err := api.RemoveInstances(ctx, &pb.RemoveInstancesRequest{Parent: web, Instances: ids})
				return err
			},
		} {
			t.Run(fmt.Sprint(name, len(ids)), func(t *testing.T) {
				wantError(t, call(), codes.InvalidArgument, autoscaling.InvalidArgument)
			})
		}
	}
}

func TestActionsAreNamedInOneWay(t *testing.T) {
	c := startCluster(t, 1)
	api, waiting, _ := setUpMoves(t, c)
	token := waiting[0].GetToken()
	for _, req := range []*pb.CompleteLifecycleActionRequest{
		{},
		{Token: token, Instance: "i"},
		{Token: token, Hook: "warm"},
		{Token: token, Activity: "1"},
		{Hook: "warm"},
		{Instance: "i"},
		{Activity: "1"},
		{Hook: "warm", Instance: "i", Activity: "1"},
		{Token: "not-a-uuid"},
		{Instance: other + "/instances/i", Hook: "warm"},
		{Instance: "i", Hook: other + "/lifecycleHooks/warm"},
		{Activity: web + "/instances/1", Hook: "warm"},
	} {
		req.Parent, req.Result = web, pb.LifecycleHook_CONTINUE
		_, err := api.CompleteLifecycleAction(context.Background(), req)
		wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
		_, err = api.RecordLifecycleActionHeartbeat(context.Background(), &pb.RecordLifecycleActionHeartbeatRequest{
			Parent: web, Token: req.GetToken(), Instance: req.GetInstance(), Hook: req.GetHook(), Activity: req.GetActivity(),
		})
		wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
	}
	_, err := api.CompleteLifecycleAction(context.Background(), &pb.CompleteLifecycleActionRequest{Parent: web, Token: token})
	wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument) // no result
}
