package cluster

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/integrity"
)

// keyUnsealed is the stable value that notes up to which index entries may be
// without a checksum. A directory without it is new, or of an earlier version.
var keyUnsealed = []byte("unsealed")

// openStable opens the stable values.
func (d *directory) openStable() (*integrity.Stable, error) {
	last, err := d.bolt.LastIndex()
	if err != nil {
		return nil, err
	}
	snapshots, err := d.snapshots.IDs()
	if err != nil {
		return nil, err
	}
	return integrity.OpenStable(d.bolt, last == 0 && len(snapshots) == 0)
}

// takeOver notes, once, where checksums begin. What an earlier version wrote is
// taken as it is.
func (d *directory) takeOver() error {
	unsealed, err := d.storage.Stable.GetUint64(keyUnsealed)
	if err == nil {
		d.logs.Unsealed = unsealed
		return d.snapshots.PutUnfinishedAside()
	}
	if integrity.IsDamage(err) {
		return err
	}
	if err := d.snapshots.Seal(); err != nil {
		return err
	}
	if d.logs.Unsealed, err = d.logs.LastIndex(); err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	if err := d.storage.Stable.SetUint64(keyUnsealed, d.logs.Unsealed); err != nil {
		return fmt.Errorf("note where checksums begin: %w", err)
	}
	return nil
}

// place is an index of the log and the term of its entry.
type place struct{ index, term uint64 }

// verify refuses a directory whose log and snapshots are not, together, all that
// the node has acknowledged. It runs before Raft: Raft panics over a part that is
// missing, and goes on with an older state where it should not.
func (d *directory) verify(log hclog.Logger) error {
	good, err := d.newestSnapshot(log)
	if err != nil {
		return err
	}
	first, err := d.logs.FirstIndex()
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	if first > good.index+1 {
		return integrity.Damaged("it is incomplete: its newest readable snapshot ends at entry %d, its log begins at %d", good.index, first)
	}
	for from := first; ; {
		damaged, err := d.logs.Verify(from, good.index)
		if err == nil {
			return nil
		}
		if !integrity.IsDamage(err) || damaged > good.index {
			return err
		}
		// The snapshot has this entry: Raft would delete it sooner or later. A node
		// that still needs it gets the snapshot.
		log.Warn("damaged entries of the log are dropped; a snapshot has them", "from", first, "to", damaged, "snapshot", good.index, "error", err)
		if err := d.logs.DeleteRange(first, damaged); err != nil {
			return fmt.Errorf("drop damaged entries: %w", err)
		}
		first, from = damaged+1, damaged+1
	}
}

// newestSnapshot returns where the newest snapshot ends that is intact, and 0
// when there is none. A newer one that is damaged is refused unless the log has
// all that it had: without it the node would have forgotten acknowledged entries.
func (d *directory) newestSnapshot(log hclog.Logger) (good place, err error) {
	snapshots, err := d.snapshotPlaces()
	if err != nil {
		return place{}, err
	}
	damage := map[snapshotPlace]error{}
	for _, s := range snapshots {
		_, r, err := d.snapshots.Open(s.id)
		if err == nil {
			good = s.place
			if err := r.Close(); err != nil {
				return place{}, fmt.Errorf("open snapshots: %w", err)
			}
			break
		}
		if !integrity.IsDamage(err) {
			return place{}, err
		}
		damage[s] = err
	}
	for s, err := range damage {
		if !d.logCovers(good, s.place) {
			return place{}, err
		}
	}
	for s, err := range damage {
		log.Warn("a damaged snapshot is put aside; the log has all that it had", "error", err)
		if err := d.snapshots.PutAside(s.id, ".damaged"); err != nil {
			return place{}, err
		}
	}
	return good, nil
}

type snapshotPlace struct {
	place
	id string
}

// snapshotPlaces returns the snapshots, newest first, in Raft's order.
func (d *directory) snapshotPlaces() ([]snapshotPlace, error) {
	ids, err := d.snapshots.IDs()
	if err != nil {
		return nil, err
	}
	var all []snapshotPlace
	for _, id := range ids {
		s := snapshotPlace{id: id}
		if _, err := fmt.Sscanf(id, "%d-%d-", &s.term, &s.index); err != nil {
			return nil, integrity.Damaged("%s is not the name of a snapshot", d.file(snapshotsDir+"/"+id))
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b snapshotPlace) int {
		return -cmp.Or(cmp.Compare(a.term, b.term), cmp.Compare(a.index, b.index), cmp.Compare(a.id, b.id))
	})
	return all, nil
}

// logCovers reports whether the log has every entry between the two places, and
// the second one itself.
func (d *directory) logCovers(after, upTo place) bool {
	for i := after.index + 1; i <= upTo.index; i++ {
		var l raft.Log
		if err := d.logs.GetLog(i, &l); err != nil {
			return false
		}
		if i == upTo.index && l.Term != upTo.term {
			return false
		}
	}
	return true
}
