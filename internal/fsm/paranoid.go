package fsm

import (
	"fmt"
	"hash/crc64"
)

// Paranoid is for tests, before the first Begin: from then on a record that
// somebody changes after it was put makes a later Seal panic with its name. A
// Seal looks at the records of its own batch, and at some of the last
// watchedRecords before, in turn.
func (m *Machine) Paranoid() { m.watch = &watch{} }

const (
	watchedRecords = 16 << 10
	watchedPerSeal = 256
)

// watch remembers what records looked like when they were put. It belongs to
// the writer's goroutine.
type watch struct {
	records []watched
	newest  int // where in records the next one goes
	next    int // which one is looked at next
}

type watched struct {
	key    recordKey
	record any
	sum    uint64
}

var ecma = crc64.MakeTable(crc64.ECMA)

func sumOf(c *change) uint64 {
	b, err := appendRecord(nil, c.key.kind, c.record, nil)
	if err != nil {
		panic(fmt.Sprintf("fsm: encode %s: %v", c.key.kind, err))
	}
	return crc64.Checksum(b, ecma)
}

// add remembers a record as it is now.
func (w *watch) add(c *change) {
	r := watched{key: c.key, record: c.record, sum: sumOf(c)}
	if len(w.records) < watchedRecords {
		w.records = append(w.records, r)
		return
	}
	w.records[w.newest] = r
	w.newest = (w.newest + 1) % watchedRecords
}

// look panics when one of the newest records, or of those whose turn it is, was
// changed.
func (w *watch) look(newest int) {
	for n := range min(newest, len(w.records)) {
		w.check((w.newest - 1 - n + 2*len(w.records)) % len(w.records))
	}
	for range min(watchedPerSeal, len(w.records)) {
		w.next = (w.next + 1) % len(w.records)
		w.check(w.next)
	}
}

func (w *watch) check(at int) {
	r := &w.records[at]
	if sumOf(&change{key: r.key, record: r.record}) != r.sum {
		panic(fmt.Sprintf("fsm: %s %+v was changed after it was put: it is shared", r.key.kind, r.record))
	}
}
