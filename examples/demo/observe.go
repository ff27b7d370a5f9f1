package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

const (
	namespace = "namespaces/default"
	groupName = namespace + "/groups/web"
)

// observer follows the cluster through whichever node answers.
type observer struct {
	cluster *nodes.Cluster
	conns   map[string]*grpc.ClientConn // by node id

	mu     sync.Mutex
	events []*pb.Event
	last   int64
}

func newObserver(c *nodes.Cluster) (*observer, error) {
	o := &observer{cluster: c, conns: map[string]*grpc.ClientConn{}}
	for _, n := range c.Nodes {
		conn, err := grpc.NewClient(n.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		o.conns[n.ID] = conn
	}
	return o, nil
}

func (o *observer) close() {
	for _, conn := range o.conns {
		conn.Close()
	}
}

// each calls try with a connection to each running node until one succeeds.
func (o *observer) each(try func(*grpc.ClientConn) error) error {
	var errs []error
	for _, n := range o.cluster.Nodes {
		if !n.Running() {
			continue
		}
		err := try(o.conns[n.ID])
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", n.ID, err))
	}
	return errors.Join(errs...)
}

// picture is what is true at one moment.
type picture struct {
	group     *pb.Group
	instances []*pb.Instance
	leader    string
	term      int64
}

func (o *observer) look(ctx context.Context) (picture, error) {
	var p picture
	err := o.each(func(conn *grpc.ClientConn) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		var err error
		// STALE: the screen goes on while there is no leader.
		if p.group, err = pb.NewGroupServiceClient(conn).GetGroup(ctx, &pb.GetGroupRequest{Name: groupName, Consistency: pb.Consistency_STALE}); err != nil {
			return err
		}
		list, err := pb.NewInstanceServiceClient(conn).ListInstances(ctx, &pb.ListInstancesRequest{Parent: groupName, Consistency: pb.Consistency_STALE, PageSize: 100})
		if err != nil {
			return err
		}
		p.instances = list.Instances
		status, err := pb.NewClusterServiceClient(conn).GetClusterStatus(ctx, &pb.GetClusterStatusRequest{})
		if err != nil {
			return err
		}
		p.leader, p.term = status.Leader, status.Term
		return nil
	})
	return p, err
}

func (p picture) in(state pb.Instance_State) int {
	count := 0
	for _, i := range p.instances {
		if i.State == state {
			count++
		}
	}
	return count
}

// follow gathers the group's events, going on at another node when one dies.
func (o *observer) follow(ctx context.Context) {
	for ctx.Err() == nil {
		_ = o.each(func(conn *grpc.ClientConn) error { return o.followOn(ctx, conn) })
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (o *observer) followOn(ctx context.Context, conn *grpc.ClientConn) error {
	o.mu.Lock()
	after := o.last
	o.mu.Unlock()
	stream, err := pb.NewEventServiceClient(conn).WatchEvents(ctx, &pb.WatchEventsRequest{Group: "web", AfterIndex: after})
	if err != nil {
		return err
	}
	for {
		event, err := stream.Recv()
		if err != nil {
			return err
		}
		o.mu.Lock()
		o.events = append(o.events, event)
		o.last = event.Index
		o.mu.Unlock()
	}
}

// latest are the newest n events that are news to a person.
func (o *observer) latest(n int) []*pb.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []*pb.Event
	for _, e := range slices.Backward(o.events) {
		if e.Type == pb.Event_INSTANCE_STEP {
			continue
		}
		if found = append(found, e); len(found) == n {
			break
		}
	}
	slices.Reverse(found)
	return found
}

// count says how many events satisfy the predicate.
func (o *observer) count(is func(*pb.Event) bool) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	count := 0
	for _, e := range o.events {
		if is(e) {
			count++
		}
	}
	return count
}
