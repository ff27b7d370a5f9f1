package peer

import (
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
}

type response struct {
	Hello  *hello  `cbor:"1,keyasint,omitempty"`
	Pong   *State  `cbor:"2,keyasint,omitempty"`
	Answer *answer `cbor:"3,keyasint,omitempty"`
	// Refused is why a hello was not accepted, in a sentence. Duplicate: because
	// another process is known under the caller's node id.
	Refused   string `cbor:"4,keyasint,omitempty"`
	Duplicate bool   `cbor:"5,keyasint,omitempty"`
	// Forgot is why the caller's data is older than what this node saw of it. The
	// hello is accepted all the same: so the caller learns how to come back.
	Forgot string `cbor:"6,keyasint,omitempty"`
	Done   bool   `cbor:"7,keyasint,omitempty"` // of Found and Admit
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
	// Suspects says that its disk has not answered for a while: the others are to
	// find out about theirs. Writes says that a write has just succeeded.
	Suspects bool `cbor:"21,keyasint,omitempty"`
	Writes   bool `cbor:"22,keyasint,omitempty"`
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

// maxMessage bounds a message: reports of some hundred thousand targets.
const maxMessage = 8 << 20

// writeMessage writes v behind its length, in one Write.
func writeMessage(w io.Writer, v any) error {
	body, err := cbor.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	if len(body) > maxMessage {
		return fmt.Errorf("message of %d bytes is too large", len(body))
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	return err
}

func readMessage(r io.Reader, v any) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxMessage {
		return fmt.Errorf("message of %d bytes is too large", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	if err := cbor.Unmarshal(body, v); err != nil {
		return fmt.Errorf("decode a message: %w", err)
	}
	return nil
}
