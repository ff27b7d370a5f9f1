package journal

import (
	"fmt"

	"github.com/hashicorp/raft"
)

// found is a record and where it ends.
type found struct {
	record
	segment int
	end     int64
}

// scanned are all records that can be read, by their numbers. Among them are
// some of the time before a segment was written anew.
type scanned struct {
	records map[uint64]found
	newest  uint64  // 0: there is none
	begins  [2]bool // whether a record is at the beginning of the segment
}

func scan(segments [2][]byte, seed uint32) scanned {
	c := scanned{records: map[uint64]found{}}
	for i, b := range segments {
		for at := 0; at < len(b); {
			r, size, ok := parse(b[at:], seed)
			if !ok {
				at += blockSize
				continue
			}
			c.begins[i] = c.begins[i] || at == 0
			at += size
			c.records[r.number] = found{record: r, segment: i, end: int64(at)}
			c.newest = max(c.newest, r.number)
		}
	}
	return c
}

// entries are those that the store may not have, in order.
func (c scanned) entries() ([]*raft.Log, error) {
	var logs []*raft.Log
	for n := c.records[c.newest].stored + 1; n <= c.newest; n++ {
		r, ok := c.records[n]
		if !ok {
			return nil, fmt.Errorf("record %d is unreadable, and record %d follows it", n, c.newest)
		}
		logs = append(logs, r.logs...)
	}
	return logs, nil
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
