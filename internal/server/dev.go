package server

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
)

// PrepareDev fills what --dev leaves open: a node id, and the providers that
// are ready to try, under the data directory or a temporary one.
func (c *Config) PrepareDev() error {
	if c.NodeID == "" {
		c.NodeID = "dev"
	}
	dir := c.DataDir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "asserver-dev-"); err != nil {
			return err
		}
		c.temporary = dir
	}
	ready := Providers{
		Compute: map[string]Compute{
			"local": {Process: &ProcessSettings{Directory: filepath.Join(dir, "instances"), AddressPool: "127.77.0.0/16"}},
			"sim":   {Sim: &SimSettings{Seed: 1, Machines: []string{"m-1", "m-2", "m-3"}}},
		},
		Balancer: map[string]Balancer{
			"edge": {Builtin: &BuiltinSettings{Pools: map[string]PoolSettings{"web": {Listen: "127.0.0.1:7500", Mode: "http"}}}},
		},
		AccessList: map[string]AccessList{
			"files": {File: &FileSettings{Directory: filepath.Join(dir, "access")}},
		},
	}
	// What the file says of a name wins over what is ready.
	maps.Copy(ready.Compute, c.Providers.Compute)
	maps.Copy(ready.Balancer, c.Providers.Balancer)
	maps.Copy(ready.AccessList, c.Providers.AccessList)
	c.Providers = ready
	return nil
}

// devCleanUpTimeout bounds the removal of what a --dev node leaves.
const devCleanUpTimeout = 20 * time.Second

// removeTemporary ends the machines of a node whose state was in memory: with
// it, nobody knows them any more. Those that were attached and not entrusted to us
// are let go. Then their directory can go.
func (n *Node) removeTemporary() error {
	if n.config.temporary == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), devCleanUpTimeout)
	defer cancel()
	var errs []error
	if record := n.cluster.View().Cluster(); record != nil {
		// Nothing comes after this: the highest epoch is right.
		fence := providers.Fence{Cluster: string(record.ID), Incarnation: string(record.Incarnation), Epoch: 1 << 62}
		for _, c := range n.outside.compute {
			listing, err := c.List(ctx, fence.Cluster)
			errs = append(errs, err)
			for _, m := range listing.Machines {
				errs = append(errs, n.forgetMachine(ctx, c, fence, m.Instance))
			}
		}
	}
	return errors.Join(append(errs, os.RemoveAll(n.config.temporary))...)
}

func (n *Node) forgetMachine(ctx context.Context, c providers.Compute, fence providers.Fence, instance string) error {
	if i := n.cluster.View().FindInstance(autoscaling.InstanceID(instance)); i != nil && i.OnlyReleased() {
		if adopter, ok := c.(providers.Adopter); ok {
			return adopter.Release(ctx, fence, instance)
		}
	}
	return c.Remove(ctx, fence, instance)
}
