package fsm

import (
	"errors"
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
)

// A log entry is the CBOR array
//
//	[format, predecessor's term, predecessor's sequence, term, sequence, stamp, [change…]]
//
// and a change [kind, op, body]: the record in a put, its key in a delete. In the
// changes a string that stood before is written as its number: see stringTable.

const entryFormat = 1

type entryHead struct {
	before, at position
	stamp      autoscaling.Time
	changes    uint64
}

func encodeEntry(before, at position, stamp autoscaling.Time, changes []change) ([]byte, error) {
	size := 64
	for i := range changes {
		size += changes[i].size
	}
	b := appendHead(make([]byte, 0, size), majorArray, 7)
	for _, n := range []uint64{entryFormat, before.term, before.sequence, at.term, at.sequence} {
		b = appendHead(b, majorUint, n)
	}
	b = appendInt(b, int64(stamp))
	b = appendHead(b, majorArray, uint64(len(changes)))
	t := newStringTable(len(changes))
	for i := range changes {
		c := &changes[i]
		b = append(b, majorArray|3)
		b = appendHead(b, majorUint, uint64(c.key.kind))
		b = appendHead(b, majorUint, uint64(c.op))
		if c.op == opDelete {
			b = c.key.append(b, t)
			continue
		}
		var err error
		if b, err = appendRecord(b, c.key.kind, c.record, t); err != nil {
			return nil, fmt.Errorf("encode %s: %w", c.key.kind, err)
		}
	}
	return b, nil
}

// readEntryHead reads all but the changes; rest is the changes.
func readEntryHead(b []byte) (h entryHead, rest []byte, err error) {
	n, b, err := readMajor(b, majorArray)
	if err != nil {
		return h, nil, err
	}
	var format uint64
	if format, b, err = readUint(b); err != nil {
		return h, nil, err
	}
	if format != entryFormat || n != 7 {
		return h, nil, &olderError{fmt.Sprintf("an entry of format %d, which this node does not know", format)}
	}
	for _, field := range []*uint64{&h.before.term, &h.before.sequence, &h.at.term, &h.at.sequence} {
		if *field, b, err = readUint(b); err != nil {
			return h, nil, err
		}
	}
	major, stamp, b, err := readHead(b)
	switch {
	case err != nil:
		return h, nil, err
	case major == majorUint:
		h.stamp = autoscaling.Time(stamp)
	case major == majorNegInt:
		h.stamp = autoscaling.Time(-1 - int64(stamp))
	default:
		return h, nil, errors.New("its stamp is no number")
	}
	h.changes, b, err = readMajor(b, majorArray)
	return h, b, err
}

// applyChanges replays the changes of an entry on a mutable state.
func (st *state) applyChanges(d *decoder, b []byte, changes uint64, t *touched) error {
	d.beginTable()
	defer d.endTable()
	for range changes {
		n, rest, err := readMajor(b, majorArray)
		if err != nil {
			return err
		}
		if n != 3 {
			return &olderError{fmt.Sprintf("a change of %d parts", n)}
		}
		var numbers [2]uint64
		for i := range numbers {
			if numbers[i], rest, err = readUint(rest); err != nil {
				return err
			}
		}
		if numbers[0] == 0 || numbers[0] >= uint64(kindCount) {
			return &olderError{fmt.Sprintf("a record of an unknown kind, %d", numbers[0])}
		}
		k := kind(numbers[0])
		switch op(numbers[1]) {
		case opPut:
			var record any
			if record, b, err = d.sound(rest, k); err != nil {
				return err
			}
			err = st.replayPut(record, t)
		case opDelete:
			var id key
			if id, b, err = d.key(rest); err != nil {
				return fmt.Errorf("delete of %s: %w", k, err)
			}
			err = st.replayDelete(k, id, t)
		default:
			err = &olderError{fmt.Sprintf("an unknown operation, %d", numbers[1])}
		}
		if err != nil {
			return err
		}
	}
	if len(b) != 0 {
		return errors.New("it has something after its end")
	}
	return nil
}
