package autoscaling

// Cluster is what a cluster knows of itself. It is written at bootstrap, by the
// first leader, and when replicated time is set.
type Cluster struct {
	ID          UID    `cbor:"1,keyasint,omitempty"`
	Name        string `cbor:"2,keyasint,omitempty"` // part of every ARI
	Incarnation UID    `cbor:"3,keyasint,omitempty"` // a new one after a restore from a backup
	CreateTime  Time   `cbor:"4,keyasint,omitempty" time:"history"`
	// TimeSet is how replicated time was last set; nil: never.
	TimeSet *TimeSet `cbor:"20,keyasint,omitempty"`
}

// TimeSet is a change of replicated time that a person asked for. From the entry
// that has it on, every node counts from Time.
type TimeSet struct {
	Count  uint64 `cbor:"1,keyasint,omitempty"` // of all changes, from 1
	Time   Time   `cbor:"2,keyasint,omitempty" time:"history"`
	Before Time   `cbor:"3,keyasint,omitempty" time:"history"` // what it was until then
	// Adapted is set when the times in all records are, see TimeClass.
	Adapted bool `cbor:"4,keyasint,omitempty"`
}

// Node is what a node says of itself; it is replicated so that every node can
// reach every other.
type Node struct {
	ID              string `cbor:"1,keyasint,omitempty"`
	GRPCAddress     string `cbor:"2,keyasint,omitempty"`
	HTTPAddress     string `cbor:"3,keyasint,omitempty"`
	RaftAddress     string `cbor:"4,keyasint,omitempty"`
	Version         string `cbor:"5,keyasint,omitempty"`
	ProvidersDigest string `cbor:"6,keyasint,omitempty"`
	UpdateTime      Time   `cbor:"7,keyasint,omitempty" time:"history"`

	// Directory is the id of the data directory that the node may take part with,
	// and Admitted the index of the log that was committed when a leader admitted
	// it; 0: it was there when the cluster was founded. Wish is what the node is to
	// be, and WishReason why. The leader decides these four.
	Directory  string       `cbor:"8,keyasint,omitempty"`
	Admitted   uint64       `cbor:"9,keyasint,omitempty"`
	Wish       SuffrageWish `cbor:"10,keyasint,omitempty"`
	WishReason string       `cbor:"11,keyasint,omitempty"`
}

// SuffrageWish is what a node is to be when it has caught up.
type SuffrageWish string

// WishVoter: the leader makes it a voter.
const WishVoter SuffrageWish = "VOTER"

// Told returns the part of the record that the node itself tells.
func (n Node) Told() Node {
	n.UpdateTime, n.Directory, n.Admitted, n.Wish, n.WishReason = 0, "", 0, "", ""
	return n
}

// ProviderStore remembers which store a compute provider's machines live in. A
// listing from another one says nothing about ours.
type ProviderStore struct {
	Provider string `cbor:"1,keyasint,omitempty"`
	Store    string `cbor:"2,keyasint,omitempty"` // empty: forgotten, the next listing's counts
	Time     Time   `cbor:"3,keyasint,omitempty" time:"history"`
}

// Orphan is a machine with our tag that no record knows. It is removed at
// RemoveAfter unless it was recorded or is gone by then.
type Orphan struct {
	Provider    string     `cbor:"1,keyasint,omitempty"`
	Instance    InstanceID `cbor:"2,keyasint,omitempty"`
	MachineID   string     `cbor:"3,keyasint,omitempty"`
	FirstSeen   Time       `cbor:"4,keyasint,omitempty" time:"since"`
	RemoveAfter Time       `cbor:"5,keyasint,omitempty" time:"deadline"`
}

// Request remembers the answer to an accepted mutation, so that a repeat with
// the same id does nothing and gets the same answer.
type Request struct {
	Namespace string `cbor:"1,keyasint,omitempty"`
	ID        string `cbor:"2,keyasint,omitempty"`
	Hash      []byte `cbor:"3,keyasint,omitempty"` // of the method and the canonical content
	// Answer is the encoded first answer; over MaxAnswer it is empty and Name
	// says what to read instead.
	Answer []byte `cbor:"4,keyasint,omitempty"`
	Name   string `cbor:"5,keyasint,omitempty"`
	Time   Time   `cbor:"6,keyasint,omitempty" time:"since"`
}

// Bounds of the idempotency memory: 24 hours, or the last MaxRequests.
const (
	MaxAnswer   = 4 << 10
	MaxRequests = 200_000
)
