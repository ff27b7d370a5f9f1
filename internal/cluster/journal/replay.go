package journal

import (
	"encoding/binary"
	"fmt"

	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/cluster/integrity"
)

// found is a record and where it ends.
type found struct {
	record
	segment int
	end     int64
}

// scanned are all records that are whole, by their numbers. Among them are some
// of the time before a segment was written anew.
type scanned struct {
	records map[uint64]found
	newest  uint64 // 0: there is none
	sectors [2][]sector
	lengths map[place]int // of each record, whole or not, that a sector begins: its sectors
}

// place is a sector of a segment.
type place struct{ segment, sector int }

func scan(segments [2][]byte, seed uint32) scanned {
	c := scanned{records: map[uint64]found{}, lengths: map[place]int{}}
	for i, b := range segments {
		for at := 0; at < len(b); at += sectorSize {
			c.sectors[i] = append(c.sectors[i], judge(b[at:at+sectorSize], seed))
		}
	}
	const perBlock = blockSize / sectorSize
	for i, b := range segments {
		for at := 0; at < len(c.sectors[i]); at += perBlock {
			first := c.sectors[i][at]
			if !first.written() || first.ordinal != 0 {
				continue
			}
			size := int(binary.LittleEndian.Uint32(b[at*sectorSize+sectorHeader:]))
			length := (headerSize + size + sectorPayload - 1) / sectorPayload
			c.lengths[place{i, at}] = length
			if r, ok := c.assemble(b, place{i, at}, length, size); ok {
				c.add(r, i, at*sectorSize+blocksOf(size))
			}
		}
	}
	return c
}

func (c *scanned) add(r record, segment, end int) {
	c.records[r.number] = found{record: r, segment: segment, end: int64(end)}
	c.newest = max(c.newest, r.number)
}

// assemble returns the record that begins at the place when all its sectors are
// there. Its entries do not share memory with b.
func (c *scanned) assemble(b []byte, p place, length, size int) (record, bool) {
	all := c.sectors[p.segment]
	if p.sector+length > len(all) {
		return record{}, false
	}
	payload := make([]byte, 0, length*sectorPayload)
	for k := range length {
		if !all[p.sector+k].follows(all[p.sector], k) {
			return record{}, false
		}
		at := (p.sector + k) * sectorSize
		payload = append(payload, b[at+sectorHeader:at+sectorSize]...)
	}
	r := record{number: all[p.sector].number, stored: binary.LittleEndian.Uint64(payload[4:])}
	logs, ok := parseEntries(payload[headerSize : headerSize+size])
	r.logs = logs
	return r, ok
}

// replay puts into the store the entries that it may not have, and returns them.
func (c scanned) replay(cfg Config) ([]*raft.Log, error) {
	logs, err := c.entries()
	if err == nil {
		err = check(logs, cfg.Store)
	}
	if err != nil {
		return nil, fmt.Errorf("journal in %s: %w", cfg.Dir, err)
	}
	if len(logs) > 0 {
		if err := cfg.Store.StoreLogs(logs); err != nil {
			return nil, fmt.Errorf("put the entries of the journal in %s into the log: %w", cfg.Dir, err)
		}
	}
	return logs, nil
}

// entries are those that the store may not have, in order.
func (c scanned) entries() ([]*raft.Log, error) {
	var logs []*raft.Log
	for n := c.records[c.newest].stored + 1; n <= c.newest; n++ {
		r, ok := c.records[n]
		if !ok {
			return nil, integrity.Damaged("record %d is unreadable, and record %d follows it", n, c.newest)
		}
		logs = append(logs, r.logs...)
	}
	return logs, nil
}

// checkEnd returns a Damage if there may be a newer record than the newest whole
// one that was acknowledged. That of a write that the power failed in has sectors
// that are still as they were before; a record of which all sectors were written,
// and one is damaged, was whole.
func (c scanned) checkEnd(dir string) error {
	newest := c.records[c.newest]
	candidates := []place{{1 - newest.segment, 0}}
	if at := int(newest.end) / sectorSize; at < len(c.sectors[newest.segment]) {
		candidates = append(candidates, place{newest.segment, at})
	}
	for _, p := range candidates {
		first := c.sectors[p.segment][p.sector]
		begins := first.written() && first.ordinal == 0 && first.number == c.newest+1
		if first.damaged || begins && c.damagedNotTorn(p, first) {
			return integrity.Damaged("journal in %s: record %d in %s at byte %d is damaged: a sector of it is neither old nor new",
				dir, c.newest+1, paths("")[p.segment], p.sector*sectorSize)
		}
	}
	return nil
}

// damagedNotTorn reports whether all sectors of the record were written and one
// of them is damaged.
func (c scanned) damagedNotTorn(p place, first sector) bool {
	all := c.sectors[p.segment]
	end := min(p.sector+c.lengths[p], len(all))
	for k := p.sector; k < end; k++ {
		if !all[k].damaged && !all[k].follows(first, k-p.sector) {
			return false
		}
	}
	return true
}

// check refuses entries of another log than the store's: what both have is the
// same in both.
func check(logs []*raft.Log, store raft.LogStore) error {
	first, err := store.FirstIndex()
	if err != nil {
		return err
	}
	last, err := store.LastIndex()
	if err != nil {
		return err
	}
	for _, l := range logs {
		if l.Index < first || l.Index > last {
			continue
		}
		var in raft.Log
		if err := store.GetLog(l.Index, &in); err == nil && in.Term != l.Term {
			return fmt.Errorf("it is not this log's: entry %d is of term %d in it, and of term %d in the log", l.Index, l.Term, in.Term)
		}
	}
	return nil
}
