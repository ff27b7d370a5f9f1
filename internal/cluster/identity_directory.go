package cluster

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/peer"
)

// foundIdentity is the identity in a data directory as it was found.
type foundIdentity struct {
	id     *identity // nil: none
	legacy bool      // an earlier version wrote the directory
}

// hasData reports whether there must be a log.
func (f foundIdentity) hasData() bool {
	return f.legacy || f.id != nil && f.id.Phase.HasData()
}

// readIdentity refuses another node's data.
func (d *directory) readIdentity(nodeID string) (foundIdentity, error) {
	id, err := loadIdentity(fileIdentity{d.file(identityFile)}, d.file(identityFile))
	if err != nil {
		return foundIdentity{}, err
	}
	found := foundIdentity{id: id}
	node := ""
	if id != nil {
		node = id.Node
	} else {
		b, err := os.ReadFile(d.file(nodeIDFile))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return foundIdentity{}, fmt.Errorf("data directory: %w", err)
		}
		found.legacy = err == nil
		node = strings.TrimSpace(string(b))
	}
	if (id != nil || found.legacy) && node != nodeID {
		return foundIdentity{}, fmt.Errorf("data directory %s belongs to node %q, not to node %q", d.path, node, nodeID)
	}
	if id != nil && id.Aside != "" && !id.Phase.HasData() {
		return found, d.moveAside(id.Aside) // a crash may have left a part
	}
	return found, nil
}

// settleIdentity makes the identity of a new directory, or of one that an
// earlier version wrote, once the rest of it is open.
func (d *directory) settleIdentity(found foundIdentity, nodeID string) error {
	if found.id != nil && found.id.Phase.HasData() {
		return nil
	}
	state, err := raft.HasExistingState(d.storage.Logs, d.storage.Stable, d.storage.Snapshots)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	switch {
	case found.id != nil && !state:
		return nil
	case found.id != nil:
		return &IdentityDamagedError{Where: d.file(identityFile),
			Cause: fmt.Errorf("it is of a directory without data (%s), and the log is not empty", found.id.Phase)}
	case !found.legacy && state:
		return &IdentityDamagedError{Where: d.file(identityFile), Cause: errors.New("it is missing, and the log is not empty")}
	}
	id := newIdentity(nodeID)
	if state {
		cluster, err := clusterOf(&d.storage)
		if err != nil {
			return fmt.Errorf("take over data directory %s: %w", d.path, err)
		}
		id.Cluster, id.Lineage, id.Phase = cluster, lineageOf(cluster), peer.Member
	}
	if err := saveIdentity(d.storage.Identity, id); err != nil {
		return err
	}
	if !found.legacy {
		return nil
	}
	if err := os.Remove(d.file(nodeIDFile)); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	return syncDirectory(d.path)
}
