package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

const parent = "namespaces/default"

// startCluster runs three nodes and makes the configuration "sim".
func startCluster(ctx context.Context, o options, dir string) (*nodes.Cluster, error) {
	c, err := nodes.New(nodes.Options{Binary: o.asserver, Dir: dir, LogLevel: "warn"})
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	ready, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := c.WaitReady(ready); err != nil {
		c.Stop()
		return nil, err
	}
	leader, err := c.Leader(ready)
	if err != nil {
		c.Stop()
		return nil, err
	}
	conns, err := dial(leader.GRPC, 1)
	if err != nil {
		c.Stop()
		return nil, err
	}
	defer closeAll(conns)
	_, err = pb.NewConfigurationServiceClient(conns[0]).CreateConfiguration(ready, &pb.CreateConfigurationRequest{
		Parent: parent, ConfigurationId: "sim", Configuration: &pb.Configuration{Provider: "sim"},
	})
	if err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

// createGroups makes count groups g0, g1, … over the connection.
func createGroups(ctx context.Context, conn *grpc.ClientConn, count int, group *pb.Group) error {
	client := pb.NewGroupServiceClient(conn)
	var wait sync.WaitGroup
	errs := make(chan error, 32)
	for worker := range 32 {
		wait.Go(func() {
			for i := worker; i < count; i += 32 {
				_, err := client.CreateGroup(ctx, &pb.CreateGroupRequest{Parent: parent, GroupId: fmt.Sprintf("g%d", i), Group: proto.CloneOf(group)})
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wait.Wait()
	close(errs)
	return <-errs
}
