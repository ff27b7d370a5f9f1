package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/asctl/as/internal/cluster/peer"
)

// asidePrefix begins the names of the directories, below the data directory, that
// keep data that is not used any more.
const asidePrefix = "damaged-"

// forget changes the identity of a node whose data cannot be used: it is another
// directory from then on, and waits for a leader. Cluster and lineage stay, and
// so does what it remembers of the others.
func (i *identity) forget(aside, reason string) {
	i.Directory, i.Phase = randomID(), peer.Waiting
	i.Founding, i.Admitted, i.Start, i.Nonce = nil, 0, 0, ""
	i.Aside, i.Reason, i.Differs = aside, reason, ""
}

// setAside moves everything but the identity out of the way, into a directory
// beside it, and makes the node one that waits for a leader. Nothing is deleted.
// The log must not be open. A crash in the middle is mended by the next start.
func (d *directory) setAside(nodeID, reason string, now time.Time) error {
	id, err := loadIdentity(fileIdentity{d.file(identityFile)}, d.file(identityFile))
	var damaged *IdentityDamagedError
	if err != nil && !errors.As(err, &damaged) {
		return err
	}
	aside := asidePrefix + now.UTC().Format("20060102T150405.000Z")
	if id == nil {
		id = newIdentity(nodeID)
		if err := os.MkdirAll(d.file(aside), 0o700); err != nil {
			return fmt.Errorf("set the data aside: %w", err)
		}
		if err := os.Rename(d.file(identityFile), filepath.Join(d.file(aside), identityFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("set the data aside: %w", err)
		}
	}
	id.forget(aside, reason)
	// First the intent: from here on the data is not used, whatever is left of it.
	if err := saveIdentity(fileIdentity{d.file(identityFile)}, id); err != nil {
		return err
	}
	return d.moveAside(aside)
}

// moveAside moves what the identity says is set aside and still in its old place.
func (d *directory) moveAside(aside string) error {
	to := d.file(aside)
	if err := os.MkdirAll(to, 0o700); err != nil {
		return fmt.Errorf("set the data aside: %w", err)
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("set the data aside: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		if name == lockFile || name == withoutFile || strings.HasPrefix(name, identityFile) || strings.HasPrefix(name, asidePrefix) {
			continue
		}
		if _, err := os.Lstat(filepath.Join(to, name)); err == nil {
			continue // made again by a start after the move
		}
		if err := os.Rename(d.file(name), filepath.Join(to, name)); err != nil {
			return fmt.Errorf("set the data aside: %w", err)
		}
	}
	return errors.Join(syncDirectory(to), syncDirectory(d.path))
}

// setAside makes this node one without data, once its storage is closed.
func (n *Node) setAside(reason string) error {
	n.log.Warn("this node's data is set aside; it comes back when a leader has admitted it", "node", n.cfg.NodeID, "reason", reason)
	switch {
	case n.cfg.Storage != nil:
		id := n.self.get().clone()
		id.forget("", reason)
		n.cfg.Storage.clear()
		return saveIdentity(n.cfg.Storage.Identity, id)
	case n.cfg.DataDir == "":
		return nil
	}
	d := &directory{path: n.cfg.DataDir}
	if err := d.takeLock(); err != nil {
		return err
	}
	return errors.Join(d.setAside(n.cfg.NodeID, reason, n.cfg.Clock()), d.close())
}

// removeAside removes the data that was set aside when this node votes again:
// the others have all that it had.
func (n *Node) removeAside() {
	id := n.self.get()
	if id.Aside == "" || id.Phase != peer.Member || !n.voters()[n.cfg.NodeID] || !n.open.Load() || n.cfg.DataDir == "" {
		return
	}
	r := n.raft.Load()
	if r == nil || r.AppliedIndex() < id.Admitted {
		return
	}
	err := os.RemoveAll(filepath.Join(n.cfg.DataDir, id.Aside))
	if err == nil {
		err = n.self.change(func(id *identity) error { id.Aside, id.Reason = "", ""; return nil })
	}
	if err != nil {
		n.log.Warn("could not remove the data that was set aside", "directory", id.Aside, "error", err)
		return
	}
	n.log.Info("this node votes again; the data that was set aside is removed", "directory", id.Aside)
}
