package cluster_test

import (
	"context"
	"testing"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// TestLeaderKilledWhileZonesAreRebalanced kills the leader at each point of a
// rebalancing: one instance is launched in the empty zone, and only when it
// serves one of the full zone goes.
func TestLeaderKilledWhileZonesAreRebalanced(t *testing.T) {
	w := start(t, nodes.Options{Providers: processProviders()})
	w.createConfiguration(webConfiguration())
	group := webGroup(2)
	group.Zones = []*pb.Group_Zone{{Zone: "a"}}
	w.createGroup("web", group)
	w.awaitSettled("web", 2)
	m := &matrix{}
	defer func() { t.Log("crash matrix of rebalancing\n" + m.String()) }()
	// Two become one and one, then two again in the zone that is left, and so on.
	zones := [][]string{{"a", "b"}, {"b"}, {"a", "b"}, {"a"}}
	for n, at := range []arrow{
		{"ACTIVITY_STARTED", onType(pb.Event_ACTIVITY_STARTED)},
		{"CREATE", onStep("CREATE")},
		{"IN_SERVICE", onState(pb.Instance_IN_SERVICE)},
		{"TERMINATING", onState(pb.Instance_TERMINATING)},
		{"DRAIN", onStep("DRAIN")},
		{"STOP", onStep("STOP")},
		{"TERMINATED", onState(pb.Instance_TERMINATED)},
	} {
		c := crash{w: w, m: m, group: "web", kind: "REBALANCE", arrow: at}
		c.run(func() {
			w.setZones("web", zones[n%len(zones)])
			w.call("rebalance", func(ctx context.Context, a api, id string) error {
				_, err := a.groups.RebalanceGroup(ctx, &pb.RebalanceGroupRequest{Name: groupName("web"), RequestId: id})
				return err
			})
		}, 1, 1)
	}
}

func (w *world) setZones(group string, zones []string) {
	w.Helper()
	g := &pb.Group{Name: groupName(group)}
	for _, z := range zones {
		g.Zones = append(g.Zones, &pb.Group_Zone{Zone: z})
	}
	w.call("set the zones", func(ctx context.Context, a api, id string) error {
		_, err := a.groups.UpdateGroup(ctx, &pb.UpdateGroupRequest{Group: g, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"zones"}}, RequestId: id})
		return err
	})
}
