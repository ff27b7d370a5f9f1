package server

import (
	"maps"
	"os"
	"path/filepath"
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
			"sim":   {Sim: &SimSettings{Seed: 1}},
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
