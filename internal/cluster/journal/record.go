package journal

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/hashicorp/raft"
)

// blockSize is what a disk writes as a whole, or a multiple of it.
const blockSize = 4096

// The header of a record, little-endian: checksum of all that follows (4 bytes),
// length of what follows the header (4), number (8), stored (8).
const headerSize = 24

// entrySize is the fixed part of an encoded entry: index (8), term (8), time of
// appending (8), length of the data (4), of the extensions (4), type (1).
const entrySize = 33

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is one batch of entries as it was acknowledged.
type record struct {
	number uint64
	stored uint64 // records up to this number were in the store when it was written
	logs   []*raft.Log
}

// appendRecord appends the record to b, which is empty, padded to whole blocks.
func appendRecord(b []byte, seed uint32, r record) []byte {
	b = append(b, make([]byte, headerSize)...)
	for _, l := range r.logs {
		b = binary.LittleEndian.AppendUint64(b, l.Index)
		b = binary.LittleEndian.AppendUint64(b, l.Term)
		b = binary.LittleEndian.AppendUint64(b, uint64(nanoseconds(l.AppendedAt)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(l.Data)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(l.Extensions)))
		b = append(b, byte(l.Type))
		b = append(b, l.Data...)
		b = append(b, l.Extensions...)
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-headerSize))
	binary.LittleEndian.PutUint64(b[8:], r.number)
	binary.LittleEndian.PutUint64(b[16:], r.stored)
	binary.LittleEndian.PutUint32(b, crc32.Update(seed, castagnoli, b[4:]))
	if rest := len(b) % blockSize; rest > 0 {
		b = append(b, make([]byte, blockSize-rest)...)
	}
	return b
}

// recordSize is how many bytes appendRecord would append.
func recordSize(logs []*raft.Log) int {
	n := headerSize
	for _, l := range logs {
		n += entrySize + len(l.Data) + len(l.Extensions)
	}
	return wholeBlocks(n)
}

func wholeBlocks(n int) int { return (n + blockSize - 1) / blockSize * blockSize }

// parse reads the record at the beginning of b, when there is a whole one. size
// is how many bytes it takes there. Its entries do not share memory with b.
func parse(b []byte, seed uint32) (r record, size int, ok bool) {
	length := uint64(binary.LittleEndian.Uint32(b[4:]))
	if length > uint64(len(b)-headerSize) {
		return record{}, 0, false
	}
	end := headerSize + int(length)
	if crc32.Update(seed, castagnoli, b[4:end]) != binary.LittleEndian.Uint32(b) {
		return record{}, 0, false
	}
	r = record{number: binary.LittleEndian.Uint64(b[8:]), stored: binary.LittleEndian.Uint64(b[16:])}
	for rest := b[headerSize:end]; len(rest) > 0; {
		l, n, ok := parseEntry(rest)
		if !ok {
			return record{}, 0, false
		}
		r.logs = append(r.logs, l)
		rest = rest[n:]
	}
	return r, wholeBlocks(end), true
}

func parseEntry(b []byte) (l *raft.Log, size int, ok bool) {
	if len(b) < entrySize {
		return nil, 0, false
	}
	data := uint64(binary.LittleEndian.Uint32(b[24:]))
	extensions := uint64(binary.LittleEndian.Uint32(b[28:]))
	if data+extensions > uint64(len(b)-entrySize) {
		return nil, 0, false
	}
	l = &raft.Log{
		Index:      binary.LittleEndian.Uint64(b),
		Term:       binary.LittleEndian.Uint64(b[8:]),
		AppendedAt: timeOf(int64(binary.LittleEndian.Uint64(b[16:]))),
		Type:       raft.LogType(b[32]),
	}
	rest := b[entrySize:]
	if data > 0 {
		l.Data = append([]byte(nil), rest[:data]...)
	}
	if extensions > 0 {
		l.Extensions = append([]byte(nil), rest[data:data+extensions]...)
	}
	return l, entrySize + int(data+extensions), true
}

// nanoseconds is 0 for no time.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func timeOf(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds)
}
