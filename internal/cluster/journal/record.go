package journal

import (
	"encoding/binary"
	"time"

	"github.com/hashicorp/raft"
)

// blockSize is what records are multiples of: a page of the kernel's.
const blockSize = 4096

// A record's payload begins with a header, little-endian: length of the entries
// (4 bytes), stored (8). Its number is in each sector.
const headerSize = 12

// entrySize is the fixed part of an encoded entry: index (8), term (8), time of
// appending (8), length of the data (4), of the extensions (4), type (1).
const entrySize = 33

// record is one batch of entries as it was acknowledged.
type record struct {
	number uint64
	stored uint64 // records up to this number were in the store when it was written
	logs   []*raft.Log
}

// appendRecord appends the record to b, which is empty, in whole blocks.
func appendRecord(b []byte, seed, attempt uint32, r record) []byte {
	s := sectors{b: b, seed: seed, number: r.number, attempt: attempt}
	var head [entrySize]byte
	binary.LittleEndian.PutUint32(head[:], uint32(entriesSize(r.logs)))
	binary.LittleEndian.PutUint64(head[4:], r.stored)
	s.write(head[:headerSize])
	for _, l := range r.logs {
		binary.LittleEndian.PutUint64(head[:], l.Index)
		binary.LittleEndian.PutUint64(head[8:], l.Term)
		binary.LittleEndian.PutUint64(head[16:], uint64(nanoseconds(l.AppendedAt)))
		binary.LittleEndian.PutUint32(head[24:], uint32(len(l.Data)))
		binary.LittleEndian.PutUint32(head[28:], uint32(len(l.Extensions)))
		head[32] = byte(l.Type)
		s.write(head[:])
		s.write(l.Data)
		s.write(l.Extensions)
	}
	return s.finish()
}

func entriesSize(logs []*raft.Log) int {
	n := 0
	for _, l := range logs {
		n += entrySize + len(l.Data) + len(l.Extensions)
	}
	return n
}

// recordSize is how many bytes appendRecord would append.
func recordSize(logs []*raft.Log) int { return blocksOf(entriesSize(logs)) }

// blocksOf is the size of a record with so many bytes of entries.
func blocksOf(entries int) int {
	return wholeBlocks((headerSize + entries + sectorPayload - 1) / sectorPayload * sectorSize)
}

func wholeBlocks(n int) int { return (n + blockSize - 1) / blockSize * blockSize }

// parseEntries decodes all entries of a payload. They share its memory.
func parseEntries(b []byte) (logs []*raft.Log, ok bool) {
	for len(b) > 0 {
		l, n, ok := parseEntry(b)
		if !ok {
			return nil, false
		}
		logs = append(logs, l)
		b = b[n:]
	}
	return logs, true
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
		l.Data = rest[:data:data]
	}
	if extensions > 0 {
		l.Extensions = rest[data : data+extensions : data+extensions]
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
