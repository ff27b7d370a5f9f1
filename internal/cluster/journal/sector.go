package journal

import (
	"encoding/binary"
	"hash/crc32"
)

// sectorSize is what a disk writes as a whole or not at all.
const sectorSize = 512

// Each sector of a record has a header, little-endian: the checksum of what
// follows (4 bytes), the record's number (8), the attempt that wrote it (4), and
// which sector of the record it is (4). So each can be judged alone: it is blank,
// or it is as it was written, now or earlier, or it is damaged.
const (
	sectorHeader  = 20
	sectorPayload = sectorSize - sectorHeader
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sector is the header of a sector that is as it was written, or what is wrong.
type sector struct {
	blank, damaged bool

	number  uint64
	attempt uint32
	ordinal uint32
}

// sectors frames a record: what is written to it goes into the payloads of its
// sectors.
type sectors struct {
	b       []byte // empty, or whole sectors but for the last one
	seed    uint32
	number  uint64
	attempt uint32
}

// write appends to the payload.
func (s *sectors) write(p []byte) {
	for len(p) > 0 {
		if len(s.b)%sectorSize == 0 {
			var head [sectorHeader]byte
			binary.LittleEndian.PutUint64(head[4:], s.number)
			binary.LittleEndian.PutUint32(head[12:], s.attempt)
			binary.LittleEndian.PutUint32(head[16:], uint32(len(s.b)/sectorSize))
			s.b = append(s.b, head[:]...)
		}
		n := min(len(p), sectorSize-len(s.b)%sectorSize)
		s.b = append(s.b, p[:n]...)
		p = p[n:]
	}
}

// finish returns the record with its checksums, filled up to whole blocks.
func (s *sectors) finish() []byte {
	used := wholeSectors(len(s.b))
	s.b = append(s.b, zeros[:wholeBlocks(used)-len(s.b)]...)
	for at := 0; at < used; at += sectorSize {
		binary.LittleEndian.PutUint32(s.b[at:], sectorSum(s.b[at:at+sectorSize], s.seed))
	}
	return s.b
}

var zeros [blockSize]byte

func sectorSum(b []byte, seed uint32) uint32 { return crc32.Update(seed, castagnoli, b[4:]) }

func wholeSectors(n int) int { return (n + sectorSize - 1) / sectorSize * sectorSize }

// judge returns what the sector is.
func judge(b []byte, seed uint32) sector {
	if sectorSum(b, seed) == binary.LittleEndian.Uint32(b) {
		return sector{
			number:  binary.LittleEndian.Uint64(b[4:]),
			attempt: binary.LittleEndian.Uint32(b[12:]),
			ordinal: binary.LittleEndian.Uint32(b[16:]),
		}
	}
	for _, c := range b {
		if c != 0 {
			return sector{damaged: true}
		}
	}
	return sector{blank: true}
}

// written reports whether the sector is as it was written.
func (s sector) written() bool { return !s.blank && !s.damaged }

// follows reports whether the sector is the next one, at a distance, of the
// record that the first sector begins.
func (s sector) follows(first sector, distance int) bool {
	return s.written() && s.number == first.number && s.attempt == first.attempt && s.ordinal == uint32(distance)
}
