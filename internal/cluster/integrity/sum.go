package integrity

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/hashicorp/raft"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// An entry's checksum is all of its Extensions: the version of the form, then
// the sum, big-endian.
const (
	sumVersion = 1
	sumSize    = 5
)

// sum covers what makes an entry: index, term, type and data. It leaves out when
// the entry was appended, which no decision rests on and encodings round.
func sum(l *raft.Log) uint32 {
	var head [17]byte
	binary.BigEndian.PutUint64(head[:], l.Index)
	binary.BigEndian.PutUint64(head[8:], l.Term)
	head[16] = byte(l.Type)
	return crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, l.Data)
}

// sealed reports whether the entry carries a checksum.
func sealed(l *raft.Log) bool { return len(l.Extensions) > 0 }

// seal puts the checksum into the entry; room has the bytes for it.
func seal(l *raft.Log, room []byte) {
	room[0] = sumVersion
	binary.BigEndian.PutUint32(room[1:], sum(l))
	l.Extensions = room
}

// Check returns a Damage unless the entry is what its checksum was made of. An
// entry without one passes when its index is at most unsealed.
func Check(l *raft.Log, unsealed uint64) error {
	switch {
	case !sealed(l):
		if l.Index <= unsealed {
			return nil
		}
		return Damaged("log entry %d has lost its checksum", l.Index)
	case len(l.Extensions) != sumSize || l.Extensions[0] != sumVersion:
		return Damaged("log entry %d has a checksum of an unknown form", l.Index)
	case binary.BigEndian.Uint32(l.Extensions[1:]) != sum(l):
		return Damaged("log entry %d does not match its checksum", l.Index)
	}
	return nil
}
