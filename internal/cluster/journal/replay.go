package journal

import "fmt"

// found is what a segment has.
type found struct {
	records []record // from its beginning, numbered without a gap
	end     int64    // of these, in bytes
	stray   uint64   // highest number of a record that is behind these; 0: none
}

func (f found) first() uint64 {
	if len(f.records) == 0 {
		return 0
	}
	return f.records[0].number
}

func (f found) last() uint64 {
	if len(f.records) == 0 {
		return 0
	}
	return f.records[len(f.records)-1].number
}

// scan reads a segment. Behind its records is what a record was when the power
// failed, and what is left of the time before it was written anew.
func scan(b []byte) (found, error) {
	var f found
	at := 0
	for at < len(b) {
		number, size, ok := header(b[at:])
		if !ok || (len(f.records) > 0 && number != f.last()+1) {
			break
		}
		r, err := parse(b[at:])
		if err != nil {
			return found{}, fmt.Errorf("record %d: %w", number, err)
		}
		f.records = append(f.records, r)
		at += size
	}
	f.end = int64(at)
	for ; at < len(b); at += blockSize {
		if number, _, ok := header(b[at:]); ok {
			f.stray = max(f.stray, number)
		}
	}
	return f, nil
}

// replay is what the store may not have, in order, and the number of the newest
// record. A record that was acknowledged and cannot be read any more is an
// error: it is followed by one with a higher number.
func replay(older, newer found) (records []record, last uint64, err error) {
	if older.first() > newer.first() {
		older, newer = newer, older
	}
	last = newer.last()
	if stray := max(older.stray, newer.stray); stray > last {
		return nil, 0, fmt.Errorf("journal: record %d is unreadable, and record %d follows it", last+1, stray)
	}
	if last == 0 {
		return nil, 0, nil
	}
	moved := newer.records[len(newer.records)-1].moved
	if older.last()+1 != newer.first() && moved < newer.first()-1 {
		return nil, 0, fmt.Errorf("journal: record %d is unreadable, and record %d follows it", max(older.last(), moved)+1, newer.first())
	}
	for _, r := range append(older.records, newer.records...) {
		if r.number > moved {
			records = append(records, r)
		}
	}
	return records, last, nil
}
