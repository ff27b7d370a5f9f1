package peer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// Kind is what a connection is for.
type Kind byte

// The kinds of a connection to a Raft address.
const (
	KindRaft Kind = 'R'
	KindPeer Kind = 'P'
)

// protocolVersion is that of the handshake and of the peer service's messages.
const protocolVersion = 1

// opening is the first message of each side, inside TLS. Nothing in it is
// believed before the other side's proof.
type opening struct {
	Version  uint     `cbor:"1,keyasint"`
	Kind     Kind     `cbor:"2,keyasint"`
	Identity Identity `cbor:"3,keyasint"`
}

// verdict ends a side's part of the handshake. The server's has its proof, too.
type verdict struct {
	Proof   []byte `cbor:"1,keyasint,omitempty"`
	Refused string `cbor:"2,keyasint,omitempty"` // why the other is not accepted; empty: it is
}

// role keeps a proof from being sent back to its maker.
type role string

const (
	asClient role = "client"
	asServer role = "server"
)

const (
	maxHandshake = 4 << 10 // of each message of the handshake
	maxIDLength  = 128     // of each part of an identity
	maxRefusal   = 1 << 10
	exporterName = "EXPORTER-autoscaling-peer"
	exporterSize = 32
)

// transcript is what both sides prove to have seen: the secrets of this TLS
// connection, and both openings as they were sent.
type transcript struct {
	exporter       []byte
	client, server []byte
}

// prove returns the proof of a side under one key.
func (t transcript) prove(key []byte, as role) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range [][]byte{[]byte("autoscaling peer handshake 1"), []byte(as), t.exporter, t.client, t.server} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write(part)
	}
	return h.Sum(nil)
}

// proved reports whether the proof is of that side, under one of the secrets.
func (t transcript) proved(secrets Secrets, as role, proof []byte) bool {
	ok := false
	for _, key := range secrets.all() {
		ok = hmac.Equal(t.prove(key, as), proof) || ok
	}
	return ok
}

// check refuses an opening that cannot be of a node.
func (o opening) check() error {
	if o.Version != protocolVersion {
		return fmt.Errorf("the other end speaks version %d of the nodes' protocol, this one version %d: run the same version of asserver on all nodes", o.Version, protocolVersion)
	}
	if o.Kind != KindRaft && o.Kind != KindPeer {
		return fmt.Errorf("a connection of kind %d: the kinds are %d and %d", o.Kind, KindRaft, KindPeer)
	}
	if o.Identity.Node == "" {
		return errors.New("the other end has no node id")
	}
	for _, part := range []string{string(o.Identity.Cluster), o.Identity.Lineage, o.Identity.Node, o.Identity.Directory} {
		if len(part) > maxIDLength || strings.ContainsFunc(part, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("a part of the other end's identity is longer than %d bytes or has other characters than visible ASCII", maxIDLength)
		}
	}
	return nil
}

// sendHandshake encodes a message, sends it and returns what was sent.
func sendHandshake(w io.Writer, v any) ([]byte, error) {
	body, err := cbor.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode the handshake: %w", err)
	}
	if len(body) > maxHandshake {
		return nil, fmt.Errorf("handshake message of %d bytes: at most %d are allowed", len(body), maxHandshake)
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(body))), body...))
	return body, err
}

// receiveHandshake reads one message and not a byte more, decodes it into v and
// returns what was sent.
func receiveHandshake(r io.Reader, v any) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint16(head[:])
	if n > maxHandshake {
		return nil, fmt.Errorf("handshake message of %d bytes: at most %d are allowed", n, maxHandshake)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	if err := cbor.Unmarshal(body, v); err != nil {
		return nil, fmt.Errorf("decode the handshake: %w", err)
	}
	return body, nil
}

// refusal returns a sentence that is short and has no control characters: it
// goes to the other end, or came from there.
func refusal(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > maxRefusal {
		text = strings.ToValidUTF8(text[:maxRefusal], "")
	}
	return text
}
