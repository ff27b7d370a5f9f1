package fsm

import (
	"bytes"
	"fmt"
	"io"
	"math"
)

// A digest mark is an entry that asks each node to take a digest of the state as
// it is at this place of the log. Its predecessor is none that there ever is, so
// every version of the machine skips it: it changes nothing.
var digestMark = func() []byte {
	none := position{term: math.MaxUint64, sequence: math.MaxUint64}
	b, err := encodeEntry(none, none, 0, nil)
	if err != nil {
		panic(err) // it has no records
	}
	return b
}()

// DigestMark returns the entry that asks for a digest.
func DigestMark() []byte { return bytes.Clone(digestMark) }

// IsDigestMark reports whether the entry asks for a digest.
func IsDigestMark(entry []byte) bool { return bytes.Equal(entry, digestMark) }

// Encode writes the state as a snapshot does: equal states give equal bytes.
func (v View) Encode(to io.Writer) error {
	if err := v.st.writeSnapshot(to); err != nil {
		return fmt.Errorf("encode the state: %w", err)
	}
	return nil
}
