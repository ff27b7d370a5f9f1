package cluster

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"

	"github.com/fxamacker/cbor/v2"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/peer"
)

// identity is what a data directory says of itself. It is written as a whole.
type identity struct {
	Node      string          `cbor:"1,keyasint"`
	Directory string          `cbor:"2,keyasint"` // random, as old as the directory
	Cluster   autoscaling.UID `cbor:"3,keyasint,omitempty"`
	Lineage   string          `cbor:"4,keyasint,omitempty"`
	Phase     peer.Phase      `cbor:"5,keyasint"`
	Founding  *peer.Founding  `cbor:"6,keyasint,omitempty"` // in FOUNDING and FOUNDED
	Admitted  uint64          `cbor:"7,keyasint,omitempty"` // see peer.Claim
	Start     uint64          `cbor:"8,keyasint,omitempty"`
	Nonce     string          `cbor:"9,keyasint,omitempty"`
	// TakenOver is the last index of a log that an earlier version wrote: entries
	// up to it have no checksums. 0: none did.
	TakenOver uint64 `cbor:"10,keyasint,omitempty"`
	// Peers is what is remembered of other nodes' directories.
	Peers map[string]remembered `cbor:"11,keyasint,omitempty"`
	// Aside is the name of the directory that keeps the data of before, until this
	// node is a voter again; Reason is why.
	Aside  string `cbor:"12,keyasint,omitempty"`
	Reason string `cbor:"13,keyasint,omitempty"`
	// Differs is how this node's state was found to differ from that of a majority:
	// the data that it was read from, or that was made of it, is not used again.
	Differs string `cbor:"14,keyasint,omitempty"`
}

// remembered is what one node knows of another one's directory. A node that
// comes back with less forgot something.
type remembered struct {
	Directory string `cbor:"1,keyasint"`
	Admitted  uint64 `cbor:"2,keyasint,omitempty"`
	Start     uint64 `cbor:"3,keyasint,omitempty"`
	Nonce     string `cbor:"4,keyasint,omitempty"`
	// Mark is the highest index that the node was seen to have and to know as
	// committed: no entry up to it can ever be cut from its log legally.
	Mark uint64 `cbor:"5,keyasint,omitempty"`
}

// public is the part that is exchanged at the start of each connection.
func (i *identity) public() peer.Identity {
	return peer.Identity{Cluster: i.Cluster, Lineage: i.Lineage, Node: i.Node, Directory: i.Directory}
}

// clone is a copy that can be changed and stored.
func (i *identity) clone() *identity {
	c := *i
	c.Peers = maps.Clone(i.Peers)
	return &c
}

// newIdentity is that of an empty directory.
func newIdentity(node string) *identity {
	return &identity{Node: node, Directory: randomID(), Phase: peer.Fresh}
}

// randomID is a random number in hexadecimal.
func randomID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, by its contract
	return hex.EncodeToString(b[:])
}

// lineageOf is the lineage of a cluster that was founded before there were any.
func lineageOf(cluster autoscaling.UID) string {
	sum := sha256.Sum256([]byte("lineage of " + cluster))
	return hex.EncodeToString(sum[:16])
}

// IdentityStore keeps a node's identity durably. Load returns nil when there is
// none; Save replaces it as a whole or not at all.
type IdentityStore interface {
	Load() ([]byte, error)
	Save(b []byte) error
}

// IdentityDamagedError reports an identity that cannot be read. What else is in
// the directory must not be used then.
type IdentityDamagedError struct {
	Where string
	Cause error
}

func (e *IdentityDamagedError) Error() string {
	return fmt.Sprintf("identity file %s is damaged: %v", e.Where, e.Cause)
}

func (e *IdentityDamagedError) Unwrap() error { return e.Cause }

// An identity is encoded as magic, checksum of what follows, and CBOR.
const identityMagic = "as-ident-1\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encodeIdentity(i *identity) ([]byte, error) {
	body, err := cbor.Marshal(i)
	if err != nil {
		return nil, fmt.Errorf("encode the identity: %w", err)
	}
	b := binary.BigEndian.AppendUint32([]byte(identityMagic), crc32.Checksum(body, castagnoli))
	return append(b, body...), nil
}

func decodeIdentity(b []byte) (*identity, error) {
	head := len(identityMagic) + 4
	if len(b) < head || string(b[:len(identityMagic)]) != identityMagic {
		return nil, errors.New("it does not begin as an identity")
	}
	if crc32.Checksum(b[head:], castagnoli) != binary.BigEndian.Uint32(b[len(identityMagic):]) {
		return nil, errors.New("its checksum is wrong")
	}
	i := new(identity)
	if err := cbor.Unmarshal(b[head:], i); err != nil {
		return nil, err
	}
	if i.Node == "" || i.Directory == "" || i.Phase == "" {
		return nil, errors.New("it is incomplete")
	}
	return i, nil
}

// loadIdentity returns nil when there is none.
func loadIdentity(store IdentityStore, where string) (*identity, error) {
	b, err := store.Load()
	if err != nil {
		return nil, fmt.Errorf("read the identity: %w", err)
	}
	if b == nil {
		return nil, nil
	}
	i, err := decodeIdentity(b)
	if err != nil {
		return nil, &IdentityDamagedError{Where: where, Cause: err}
	}
	return i, nil
}

func saveIdentity(store IdentityStore, i *identity) error {
	b, err := encodeIdentity(i)
	if err != nil {
		return err
	}
	if err := store.Save(b); err != nil {
		return fmt.Errorf("write the identity: %w", err)
	}
	return nil
}
