package peer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/fxamacker/cbor/v2"

	"github.com/asctl/as/internal/autoscaling"
)

// request is what one node asks another: one of its kinds is set. A server
// answers the requests of a connection one after another.
type request struct {
	Hello *hello `cbor:"1,keyasint,omitempty"`
	Ping  *ping  `cbor:"2,keyasint,omitempty"`
	Ask   *ask   `cbor:"3,keyasint,omitempty"`
	// Found asks for agreement to a founding, Admit tells a node to take part.
	Found *Founding  `cbor:"4,keyasint,omitempty"`
	Admit *Admission `cbor:"5,keyasint,omitempty"`
	Term  bool       `cbor:"6,keyasint,omitempty"` // asks for the term that the node is in
	// Parcel has a meaning only above this package.
	Parcel []byte `cbor:"20,keyasint,omitempty"`
}

type response struct {
	Hello  *hello  `cbor:"1,keyasint,omitempty"`
	Pong   *State  `cbor:"2,keyasint,omitempty"`
	Answer *answer `cbor:"3,keyasint,omitempty"`
	Parcel []byte  `cbor:"20,keyasint,omitempty"`
	// Refused is why a hello was not accepted, in a sentence. Duplicate: because
	// another process is known under the caller's node id.
	Refused   string `cbor:"4,keyasint,omitempty"`
	Duplicate bool   `cbor:"5,keyasint,omitempty"`
	// Forgot is why the caller's data is older than what this node saw of it. The
	// hello is accepted all the same: so the caller learns how to come back.
	Forgot string `cbor:"6,keyasint,omitempty"`
	Done   bool   `cbor:"7,keyasint,omitempty"` // of Found and Admit
	Term   uint64 `cbor:"8,keyasint,omitempty"` // 0: the node takes no part in Raft
}

// hello opens a connection, in both directions.
type hello struct {
	Record   autoscaling.Node `cbor:"1,keyasint"`
	Boot     string           `cbor:"2,keyasint"` // different for each run of a process
	Identity Identity         `cbor:"3,keyasint"`
	Claim    Claim            `cbor:"4,keyasint"`
}

// ping asks for the other's State. Reports, when Shipped, are all reports of
// the node that pings.
type ping struct {
	Reports []Report `cbor:"1,keyasint,omitempty"`
	Shipped bool     `cbor:"2,keyasint,omitempty"`
}

// State is what a node says of itself with every pong.
type State struct {
	Clock   autoscaling.Time `cbor:"1,keyasint"` // its wall clock
	Term    uint64           `cbor:"2,keyasint"`
	Applied uint64           `cbor:"3,keyasint"` // Raft's indexes
	Commit  uint64           `cbor:"4,keyasint"`
	Last    uint64           `cbor:"5,keyasint"`
	Leads   bool             `cbor:"6,keyasint"` // it leads and accepts writes
	// Identity and Claim change while a connection lasts: a fresh node becomes a
	// member.
	Identity Identity `cbor:"7,keyasint"`
	Claim    Claim    `cbor:"8,keyasint"`
	// Mute is why it takes no part in Raft, in a sentence; empty: it does.
	Mute string `cbor:"20,keyasint,omitempty"`
	// Conditions are what it finds wrong with itself; Room says that it may lead
	// in the place of a node that runs short of something.
	Conditions []autoscaling.Condition `cbor:"23,keyasint,omitempty"`
	Room       bool                    `cbor:"24,keyasint,omitempty"`
	// Suspects says that its disk has not answered for a while: the others are to
	// find out about theirs. Writes says that a write has just succeeded.
	Suspects bool `cbor:"21,keyasint,omitempty"`
	Writes   bool `cbor:"22,keyasint,omitempty"`
	// Digest is the newest one that it took of its state. Nil: none yet.
	Digest *Digest `cbor:"30,keyasint,omitempty"`
}

// Digest is a sum of a node's state where the log asked for it. Two of equal
// index and build are of equal states when their sums are equal.
type Digest struct {
	Index uint64 `cbor:"1,keyasint"`
	Sum   []byte `cbor:"2,keyasint"`
	Build string `cbor:"3,keyasint"` // of the program that took it
}

// ask is the question of the death detector: is this leader gone for you too?
type ask struct {
	Leader string `cbor:"1,keyasint"`
	Term   uint64 `cbor:"2,keyasint"`
}

type answer struct {
	Gone      bool   `cbor:"1,keyasint"`
	LastTerm  uint64 `cbor:"2,keyasint"`
	LastIndex uint64 `cbor:"3,keyasint"`
}

// kind is what a frame says of its message before it has arrived.
type kind byte

const (
	unknownKind kind = iota
	helloKind
	pingKind
	askKind
	foundKind
	admitKind
	parcelKind
	responseKind
	termKind
)

// maxMessage bounds the messages of each kind. Only pings are large: reports of
// some hundred thousand targets. A kind that is not here does not exist.
var maxMessage = map[kind]uint32{
	helloKind:    64 << 10,
	pingKind:     8 << 20,
	askKind:      64 << 10,
	foundKind:    64 << 10,
	admitKind:    64 << 10,
	parcelKind:   1 << 20,
	termKind:     1 << 10,
	responseKind: 64 << 10,
}

func (r *request) kind() kind {
	switch {
	case r.Hello != nil:
		return helloKind
	case r.Ping != nil:
		return pingKind
	case r.Ask != nil:
		return askKind
	case r.Found != nil:
		return foundKind
	case r.Admit != nil:
		return admitKind
	case r.Parcel != nil:
		return parcelKind
	case r.Term:
		return termKind
	}
	return unknownKind
}

func (r *response) kind() kind { return responseKind }

// message is a request or a response.
type message interface{ kind() kind }

// headSize is the size of what stands before a message: its kind and its length.
const headSize = 5

// writeMessage writes v behind its kind and its length, in one Write.
func writeMessage(w io.Writer, v message) error {
	frame, err := encodeMessage(v)
	if err != nil {
		return err
	}
	_, err = w.Write(frame)
	return err
}

// encodeMessage returns v behind its kind and its length.
func encodeMessage(v message) ([]byte, error) {
	body, err := cbor.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode a message: %w", err)
	}
	if err := checkSize(v.kind(), uint64(len(body))); err != nil {
		return nil, err
	}
	head := append(make([]byte, 0, headSize+len(body)), byte(v.kind()))
	return append(binary.BigEndian.AppendUint32(head, uint32(len(body))), body...), nil
}

// readMessage reads one message into v. Memory is taken as bytes arrive: what a
// length promises takes none.
func readMessage(r io.Reader, v message) error {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	said, n := kind(head[0]), binary.BigEndian.Uint32(head[1:])
	if err := checkSize(said, uint64(n)); err != nil {
		return err
	}
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, int64(n)); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	if err := cbor.Unmarshal(body.Bytes(), v); err != nil {
		return fmt.Errorf("decode a message: %w", err)
	}
	if v.kind() != said {
		return fmt.Errorf("message of kind %d in a frame of kind %d", v.kind(), said)
	}
	return nil
}

func checkSize(k kind, size uint64) error {
	limit, ok := maxMessage[k]
	if !ok {
		return fmt.Errorf("message of kind %d, which does not exist", k)
	}
	if size > uint64(limit) {
		return fmt.Errorf("message of kind %d has %d bytes: at most %d are allowed", k, size, limit)
	}
	return nil
}
