package peer

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
)

// Phase is how far a data directory is on its way into a cluster.
type Phase string

const (
	// Fresh: it holds nothing.
	Fresh Phase = "FRESH"
	// Founds: it agreed to found a cluster, which does not exist yet for it.
	Founds Phase = "FOUNDING"
	// Founded: all members agreed; its log is being made.
	Founded Phase = "FOUNDED"
	// Waiting: its data was set aside; a leader must take it back.
	Waiting Phase = "WAITING"
	// Member: it has what it ever acknowledged.
	Member Phase = "MEMBER"
)

// HasData reports whether a directory in the phase takes part in a cluster.
func (p Phase) HasData() bool { return p == Member || p == Founded }

// Claim is what a node says of its data directory beside its identity, in each
// hello and each pong.
type Claim struct {
	Phase Phase `cbor:"1,keyasint"`
	// Admitted is the commit index at which a leader admitted the directory; 0: it
	// was there when the cluster was founded.
	Admitted uint64 `cbor:"2,keyasint,omitempty"`
	// Start counts the starts of a node on the directory. Nonce is random for each:
	// two runs of the same number are runs on two copies.
	Start uint64 `cbor:"3,keyasint,omitempty"`
	Nonce string `cbor:"4,keyasint,omitempty"`
	// Last is the index of the last entry in log or snapshot.
	Last uint64 `cbor:"5,keyasint,omitempty"`
	// Open reports whether the node takes part in Raft.
	Open bool `cbor:"6,keyasint,omitempty"`
	// Forgot is why the node's data is older than what another node saw of it;
	// empty: it is not known to be.
	Forgot string `cbor:"7,keyasint,omitempty"`
	// Members are the nodes of the initial cluster, told while it is not founded.
	Members map[string]string `cbor:"8,keyasint,omitempty"`
	// Without are the nodes that a person allows to be missing at the founding.
	Without []string `cbor:"9,keyasint,omitempty"`
	// Order grows with each claim that a process makes: claims come over several
	// connections.
	Order uint64 `cbor:"10,keyasint"`
}

// HasData reports whether the node has all that it ever acknowledged.
func (c Claim) HasData() bool { return c.Phase.HasData() && c.Forgot == "" }

// differs reports whether something changed that others wait for.
func (c Claim) differs(other Claim) bool {
	return c.Phase != other.Phase || c.Open != other.Open || c.Forgot != other.Forgot
}

// Founding is a cluster about to be. All members store it before any of them
// begins a log.
type Founding struct {
	Cluster autoscaling.UID   `cbor:"1,keyasint"`
	Lineage string            `cbor:"2,keyasint"`
	Members map[string]string `cbor:"3,keyasint"` // node id → Raft address
	// Directories has the directory id of each member that is there.
	Directories map[string]string `cbor:"4,keyasint"`
	// Without are the members that were not there; they do not vote until a leader
	// admits them.
	Without []string `cbor:"5,keyasint,omitempty"`
}

// Same reports whether the two are one founding.
func (f *Founding) Same(other *Founding) bool {
	return f != nil && other != nil && f.Cluster == other.Cluster && f.Lineage == other.Lineage &&
		maps.Equal(f.Members, other.Members) && maps.Equal(f.Directories, other.Directories) &&
		slices.Equal(f.Without, other.Without)
}

// Check returns an error when a node with the identity and the initial cluster
// cannot agree to the founding.
func (f *Founding) Check(own Identity, members map[string]string) error {
	switch {
	case f.Cluster == "" || f.Lineage == "":
		return fmt.Errorf("the founding has no cluster id")
	case !maps.Equal(f.Members, members):
		return fmt.Errorf("initial-cluster of node %q is %s, but the cluster is to be founded with %s: make them equal",
			own.Node, memberList(members), memberList(f.Members))
	case slices.Contains(f.Without, own.Node):
		return fmt.Errorf("node %q is there, but the cluster is to be founded without it", own.Node)
	case f.Directories[own.Node] != own.Directory:
		return fmt.Errorf("the data directory of node %q is not the one that the founding names", own.Node)
	}
	for id := range f.Members {
		if f.Directories[id] == "" && !slices.Contains(f.Without, id) {
			return fmt.Errorf("the founding does not name the data directory of node %q", id)
		}
	}
	return nil
}

func memberList(members map[string]string) string {
	var list []string
	for _, id := range slices.Sorted(maps.Keys(members)) {
		list = append(list, id+"="+members[id])
	}
	return strings.Join(list, ",")
}

// Admission is a leader's permission to take part: a committed configuration has
// the node as a non-voter, and the committed state has the directory.
type Admission struct {
	Identity Identity `cbor:"1,keyasint"`
	Index    uint64   `cbor:"2,keyasint"` // the commit index at which it was admitted
}
