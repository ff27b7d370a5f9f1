package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// withoutFile has the ids of the nodes that may be missing when the cluster is
// founded, one on a line. A person wrote it: "asserver bootstrap --without".
const withoutFile = "bootstrap-without"

// AllowMissing notes in a node's data directory that the cluster may be founded
// although nodes of the initial cluster are missing. The node may be running; it
// looks again every second. It is an error when the node has data already.
func AllowMissing(dir, nodeID string, initial map[string]string, without []string) error {
	if len(without) == 0 {
		return errors.New("no node to leave out")
	}
	for _, id := range without {
		switch {
		case initial[id] == "":
			return fmt.Errorf("node %q is not in initial-cluster", id)
		case id == nodeID:
			return fmt.Errorf("node %q cannot be left out by itself: run this on one of the others", id)
		}
	}
	id, err := loadIdentity(fileIdentity{filepath.Join(dir, identityFile)}, filepath.Join(dir, identityFile))
	if err != nil {
		return err
	}
	if id != nil && id.Cluster != "" {
		return fmt.Errorf("node %q belongs to cluster %s already: there is nothing to found", nodeID, id.Cluster)
	}
	if _, err := os.Stat(filepath.Join(dir, nodeIDFile)); err == nil {
		return fmt.Errorf("data directory %s has data of an earlier version: there is nothing to found", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	text := strings.Join(slices.Compact(slices.Sorted(slices.Values(without))), "\n") + "\n"
	if err := (fileIdentity{filepath.Join(dir, withoutFile)}).Save([]byte(text)); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

// without are the nodes that may be missing at the founding, by this directory.
func (n *Node) without() []string {
	if n.cfg.DataDir == "" {
		return nil
	}
	b, err := os.ReadFile(filepath.Join(n.cfg.DataDir, withoutFile))
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(strings.Fields(string(b)), func(id string) bool {
		return id == n.cfg.NodeID || n.cfg.members()[id] == ""
	})
}
