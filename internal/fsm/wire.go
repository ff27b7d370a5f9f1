package fsm

import (
	"encoding/binary"
	"errors"
)

// The frame of log entries is written by hand in the same deterministic CBOR
// (RFC 8949, core deterministic encoding) as the records in it.

const (
	majorUint   = 0 << 5
	majorNegInt = 1 << 5
	majorBytes  = 2 << 5
	majorText   = 3 << 5
	majorArray  = 4 << 5
	majorMap    = 5 << 5
)

var errTruncated = errors.New("it is cut off")

func appendHead(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n < 1<<8:
		return append(b, major|24, byte(n))
	case n < 1<<16:
		return append(b, major|25, byte(n>>8), byte(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, major|27), n)
	}
}

func appendInt(b []byte, n int64) []byte {
	if n < 0 {
		return appendHead(b, majorNegInt, uint64(-1-n))
	}
	return appendHead(b, majorUint, uint64(n))
}

// readHead reads the head of a data item: its major type and number.
func readHead(b []byte) (major byte, n uint64, rest []byte, err error) {
	if len(b) == 0 {
		return 0, 0, nil, errTruncated
	}
	major, short := b[0]&0xe0, b[0]&0x1f
	b = b[1:]
	if short < 24 {
		return major, uint64(short), b, nil
	}
	if short > 27 {
		return 0, 0, nil, errors.New("it has a data item of unknown length")
	}
	size := 1 << (short - 24)
	if len(b) < size {
		return 0, 0, nil, errTruncated
	}
	switch size {
	case 1:
		n = uint64(b[0])
	case 2:
		n = uint64(binary.BigEndian.Uint16(b))
	case 4:
		n = uint64(binary.BigEndian.Uint32(b))
	default:
		n = binary.BigEndian.Uint64(b)
	}
	return major, n, b[size:], nil
}

func readUint(b []byte) (n uint64, rest []byte, err error) {
	return readMajor(b, majorUint)
}

func readMajor(b []byte, want byte) (n uint64, rest []byte, err error) {
	major, n, rest, err := readHead(b)
	if err == nil && major != want {
		err = errType
	}
	return n, rest, err
}
