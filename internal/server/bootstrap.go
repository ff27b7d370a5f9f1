package server

import "github.com/asctl/as/internal/cluster"

// AllowMissing notes in the node's data directory that its cluster may be founded
// although the named nodes of the initial cluster are missing.
func AllowMissing(c Config, without []string) error {
	return cluster.AllowMissing(c.DataDir, c.NodeID, c.InitialCluster, without)
}
