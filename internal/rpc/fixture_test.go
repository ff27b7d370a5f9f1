package rpc

import (
	"context"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

const (
	ns  = "namespaces/default"
	web = ns + "/groups/web"
)

// clients are the API of one node.
type clients struct {
	pb.ConfigurationServiceClient
	pb.GroupServiceClient
	pb.RuleServiceClient
	pb.AlarmTaskServiceClient
	pb.ScheduledTaskServiceClient
	pb.InstanceServiceClient
	pb.LifecycleHookServiceClient
	pb.NotificationServiceClient
	pb.DecisionServiceClient
	pb.ActivityServiceClient
	pb.MetricServiceClient
	pb.EventServiceClient
	pb.ClusterServiceClient
}

func (n *testNode) clients() clients {
	return clients{
		pb.NewConfigurationServiceClient(n.conn), pb.NewGroupServiceClient(n.conn), pb.NewRuleServiceClient(n.conn),
		pb.NewAlarmTaskServiceClient(n.conn), pb.NewScheduledTaskServiceClient(n.conn), pb.NewInstanceServiceClient(n.conn),
		pb.NewLifecycleHookServiceClient(n.conn), pb.NewNotificationServiceClient(n.conn), pb.NewDecisionServiceClient(n.conn),
		pb.NewActivityServiceClient(n.conn), pb.NewMetricServiceClient(n.conn), pb.NewEventServiceClient(n.conn),
		pb.NewClusterServiceClient(n.conn),
	}
}

func p[T any](v T) *T { return &v }

// ok is the answer of a call that must succeed.
func ok[T any](t testing.TB) func(T, error) T {
	return func(answer T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("%v %v", err, status.Convert(err).Details())
		}
		return answer
	}
}

// wantError checks an error's code and reason, and that reasons have the domain.
func wantError(t testing.TB, err error, c codes.Code, r autoscaling.Reason) *status.Status {
	t.Helper()
	st := status.Convert(err)
	if st.Code() != c || reasonOf(st) != r {
		t.Fatalf("got %v %q %q, want %v %q", st.Code(), reasonOf(st), st.Message(), c, r)
	}
	return st
}

func detail[D any](t testing.TB, st *status.Status) D {
	t.Helper()
	for _, d := range st.Details() {
		if d, ok := d.(D); ok {
			return d
		}
	}
	t.Fatalf("%v has no %T", st, *new(D))
	panic("unreachable")
}

var _ = (*errdetails.ErrorInfo)(nil)

// simConfiguration is a configuration of the provider that the tests know.
func simConfiguration() *pb.Configuration {
	config, err := structpb.NewStruct(map[string]any{"speed": 2})
	if err != nil {
		panic(err)
	}
	return &pb.Configuration{
		Provider: "sim", Image: "v1", Command: []string{"web"}, Ports: []int32{8080}, ProviderConfig: config,
		Labels: map[string]string{"tier": "front"},
	}
}

// setUp makes configuration "web", group "web" (1 to 5, desired 2), rules
// "add-two" and "remove-one".
func setUp(t testing.TB, n *testNode) clients {
	t.Helper()
	ctx := context.Background()
	c := n.clients()
	ok[*pb.Configuration](t)(c.CreateConfiguration(ctx, &pb.CreateConfigurationRequest{Parent: ns, ConfigurationId: "web", Configuration: simConfiguration()}))
	ok[*pb.Group](t)(c.CreateGroup(ctx, &pb.CreateGroupRequest{Parent: ns, GroupId: "web", Group: &pb.Group{
		MinSize: p(int32(1)), MaxSize: p(int32(5)), DesiredCapacity: p(int32(2)),
		Configuration: &pb.Group_ConfigurationReference{Name: "web"},
		Balancers:     []*pb.Group_Balancer{{Provider: "edge", Pool: "web"}},
		AccessLists:   []*pb.Group_AccessList{{Provider: "files", List: "web"}},
	}}))
	for id, change := range map[string]int32{"add-two": 2, "remove-one": -1} {
		ok[*pb.Rule](t)(c.CreateRule(ctx, &pb.CreateRuleRequest{Parent: web, RuleId: id, Rule: &pb.Rule{
			Kind: &pb.Rule_Simple{Simple: &pb.SimpleRule{AdjustmentType: pb.Rule_CHANGE_IN_CAPACITY, Adjustment: &change}},
		}}))
	}
	return c
}

// instances are the group's, by id.
func (n *testNode) instances() []*autoscaling.Instance {
	v := n.View()
	var all []*autoscaling.Instance
	for i := range v.Instances(v.GroupByID("default", "web").UID) {
		all = append(all, i)
	}
	return all
}

// serveAll takes the group's new instances into service, as the scheduler would,
// and ends the activities that waited for them.
func (c *testCluster) serveAll() {
	c.do(func(tx *fsm.Tx) error {
		g := tx.GroupByID("default", "web")
		for i := range tx.Instances(g.UID) {
			for _, s := range []autoscaling.InstanceState{autoscaling.Pending, autoscaling.PendingProceed, autoscaling.InService} {
				if tx.Instance(g.UID, i.ID).State.CanBecome(s) {
					next := *tx.Instance(g.UID, i.ID)
					next.State, next.StateTime, next.Served = s, tx.Now(), s == autoscaling.InService
					next.Health = autoscaling.HealthHealthy
					tx.PutInstance(&next)
				}
			}
		}
		for a := range tx.RunningActivities(g.UID) {
			ended := *a
			ended.Status, ended.EndTime = autoscaling.ActivitySuccessful, tx.Now()
			tx.PutActivity(&ended)
		}
		return nil
	})
}

// drive lets everything outside answer until nothing moves: what waits for
// people, or for hooks, stays as it is.
func (c *testCluster) drive() {
	ops := control.Operations{Platform: &c.leader.Load().platform}
	for before := uint64(0); before != c.index; {
		before = c.index
		v := c.leader.Load().View()
		for g := range v.Groups("") {
			for i := range v.Instances(g.UID) {
				c.do(func(tx *fsm.Tx) error {
					if i := tx.Instance(g.UID, i.ID); i != nil && !i.State.Final() {
						return controltest.Answer(tx, ops, i)
					}
					return nil
				})
			}
		}
	}
}

// emptyReader reads a state without anything.
var emptyReader = fsm.NewMachine().View().Reader

// giveUp makes all that is on its way dead letters, as a day of silence would.
func (c *testCluster) giveUp() {
	c.do(func(tx *fsm.Tx) error {
		for t := range tx.NotificationTargets("") {
			for d := range tx.Deliveries(t.UID) {
				dead := *d
				dead.State, dead.Attempts, dead.LastError, dead.EndTime = autoscaling.DeliveryDead, 3, "503 Service Unavailable", tx.Now()
				tx.PutDelivery(&dead)
			}
		}
		return nil
	})
}
