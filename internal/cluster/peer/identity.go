package peer

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
)

// Identity is what a node's data directory is: the cluster that it belongs to,
// the lineage of that cluster's log, the node, and the directory itself. Two
// nodes exchange their identities at the start of each connection, for Raft and
// for the peer service, before anything else is read.
//
// A fresh directory has neither cluster nor lineage. The directory id is random
// and as old as the directory: a node that lost its data comes back with another
// one, and is then a node that knows nothing under an id that is known.
type Identity struct {
	Cluster autoscaling.UID `cbor:"1,keyasint,omitempty"`
	// Lineage changes with the founding of a cluster and with its recovery from a
	// backup, and with nothing else: logs of one lineage have the same beginning.
	Lineage   string `cbor:"2,keyasint,omitempty"`
	Node      string `cbor:"3,keyasint"`
	Directory string `cbor:"4,keyasint"`
}

// Fresh reports whether the directory belongs to no cluster yet.
func (i Identity) Fresh() bool { return i.Cluster == "" }

// Accepts returns nil when a node of this identity may talk with the other one
// over the peer service: they belong to the same cluster and lineage, or one of
// them is fresh. Else the error is a sentence for both sides.
func (i Identity) Accepts(other Identity) error {
	switch {
	case i.Fresh() || other.Fresh():
		return nil
	case i.Cluster != other.Cluster:
		return fmt.Errorf("node %q belongs to cluster %s, node %q to cluster %s: they do not talk to each other; "+
			"correct the addresses, or remove the data directory of the one that is wrong here",
			other.Node, other.Cluster, i.Node, i.Cluster)
	case i.Lineage != other.Lineage:
		return fmt.Errorf("node %q has lineage %s of cluster %s, node %q has lineage %s: their logs do not have the same beginning; "+
			"remove the data directory of the one that was left behind by a recovery",
			other.Node, other.Lineage, i.Cluster, i.Node, i.Lineage)
	}
	return nil
}

// AcceptsRaft returns nil when Raft's messages may pass between the two: both
// belong to the same cluster and lineage, and none is fresh.
func (i Identity) AcceptsRaft(other Identity) error {
	if err := i.Accepts(other); err != nil {
		return err
	}
	for _, one := range []Identity{i, other} {
		if one.Fresh() {
			return fmt.Errorf("node %q belongs to no cluster yet and takes no part in Raft", one.Node)
		}
	}
	return nil
}
