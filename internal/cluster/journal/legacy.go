package journal

import (
	"encoding/binary"
	"hash/crc32"
)

// The header of a record of the first format, little-endian: checksum of all
// that follows (4 bytes), length of what follows the header (4), number (8),
// stored (8). The entries follow as they do today, without sectors between.
const legacyHeader = 24

// takeOverLegacy puts what only a journal of the first format has into the store.
// There, damage to the newest record passes for a write that the power failed in.
func takeOverLegacy(c Config, seed uint32) error {
	var segments [2][]byte
	for i, path := range paths(c.Dir) {
		var err error
		if segments[i], err = read(path, c.size); err != nil {
			return err
		}
	}
	found := scanned{records: map[uint64]found{}}
	for _, b := range segments {
		for at := 0; at < len(b); {
			r, size, ok := parseLegacy(b[at:], seed)
			if !ok {
				at += blockSize
				continue
			}
			at += size
			found.add(r, 0, at)
		}
	}
	_, err := found.replay(c)
	return err
}

// parseLegacy reads the record at the beginning of b, when there is a whole one.
// size is how many bytes it takes there.
func parseLegacy(b []byte, seed uint32) (r record, size int, ok bool) {
	length := uint64(binary.LittleEndian.Uint32(b[4:]))
	if length > uint64(len(b)-legacyHeader) {
		return record{}, 0, false
	}
	end := legacyHeader + int(length)
	if crc32.Update(seed, castagnoli, b[4:end]) != binary.LittleEndian.Uint32(b) {
		return record{}, 0, false
	}
	r = record{number: binary.LittleEndian.Uint64(b[8:]), stored: binary.LittleEndian.Uint64(b[16:])}
	if r.logs, ok = parseEntries(b[legacyHeader:end]); !ok {
		return record{}, 0, false
	}
	return r, wholeBlocks(end), true
}
