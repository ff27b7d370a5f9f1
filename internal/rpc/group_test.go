package rpc

import (
	"context"
	"testing"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func TestGroupIsCreatedReadAndScaled(t *testing.T) {
	c := startCluster(t, 1)
	api := setUp(t, c.nodes[0])
	ctx := context.Background()
	g := ok[*pb.Group](t)(api.GetGroup(ctx, &pb.GetGroupRequest{Name: web}))
	if g.GetName() != web || g.GetAri() != "ari:as:main:default:group/web" || g.GetCounts().GetInitial() != 2 || g.GetState() != pb.Group_ACTIVE {
		t.Errorf("%v", g)
	}
	a := ok[*pb.Activity](t)(api.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: web, DesiredCapacity: p(int32(4))}))
	if a.GetKind() != pb.Activity_SCALE_OUT || a.GetFromCapacity() != 2 || a.GetToCapacity() != 4 || len(a.GetInstances()) != 2 {
		t.Errorf("%v", a)
	}
	t.Log(a)
}
