package fsm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"github.com/fxamacker/cbor/v2"

	"github.com/asctl/as/internal/autoscaling/text"
)

// olderError is what only a newer version can have written.
type olderError struct{ what string }

func (e *olderError) Error() string {
	return "it holds " + e.what + ": this node is older than the log"
}

func isOlder(err error) bool {
	var older *olderError
	return errors.As(err, &older)
}

var (
	errType      = errors.New("it has a data item of another type than expected")
	errOrder     = errors.New("its keys are not in order")
	errRange     = errors.New("it has a number out of range")
	errReference = errors.New("it refers to a string that did not come before")
)

// decoder reads records. It keeps repeated strings once, and belongs to one
// goroutine. The first error stops it: what is read after that means nothing.
type decoder struct {
	b       []byte
	at      int // what is left of b begins here
	err     error
	strings stringCache
	// table has the strings of the entry that is read, see stringTable.
	table   []string
	tabling bool
	// odd is set when a string that was read may have to be repaired: in the record
	// or key, or before it in the entry.
	odd bool
}

// sound is record with its strings repaired: the log and the snapshots of older
// versions may hold any.
func (d *decoder) sound(b []byte, k kind) (record any, rest []byte, err error) {
	if record, rest, err = d.record(b, k); err == nil && d.odd {
		repairTexts(k, record)
	}
	return record, rest, err
}

// record decodes the record of the kind at the beginning of b.
func (d *decoder) record(b []byte, k kind) (record any, rest []byte, err error) {
	if k == 0 || k >= kindCount {
		return nil, nil, &olderError{fmt.Sprintf("a record of an unknown kind, %d", uint8(k))}
	}
	record = newRecord(k)
	d.begin(b)
	d.fields(plans[k], reflect.ValueOf(record).UnsafePointer())
	rest, err = d.end()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", k, err)
	}
	return record, rest, nil
}

func (d *decoder) begin(b []byte) {
	d.b, d.at, d.err = b, 0, nil
	d.odd = d.odd && d.tabling
}

func (d *decoder) end() (rest []byte, err error) {
	rest, err = d.b[d.at:], d.err
	d.b = nil
	return rest, err
}

// key reads the key of a delete, [a, b, n].
func (d *decoder) key(b []byte) (id key, rest []byte, err error) {
	d.begin(b)
	if n := d.number(majorArray); n != 3 && d.err == nil {
		d.err = &olderError{fmt.Sprintf("a key of %d parts", n)}
	}
	id.a, id.b, id.n = d.text(true), d.text(true), d.number(majorUint)
	rest, err = d.end()
	if d.odd {
		id.a, id.b = text.Line(id.a), text.Line(id.b) // as in the record
	}
	return id, rest, err
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
		d.at = len(d.b)
	}
}

// head reads the head of a data item.
func (d *decoder) head() (major byte, n uint64) {
	if d.at < len(d.b) {
		major, short := d.b[d.at]&0xe0, d.b[d.at]&0x1f
		switch {
		case short < 24:
			d.at++
			return major, uint64(short)
		case short == 27 && len(d.b)-d.at > 8: // most of them are times
			n = binary.BigEndian.Uint64(d.b[d.at+1:])
			d.at += 9
			return major, n
		}
	}
	major, n, rest, err := readHead(d.b[d.at:])
	if err != nil {
		d.fail(err)
		return 0, 0
	}
	d.at = len(d.b) - len(rest)
	return major, n
}

// number reads a head of the given major type and answers its number.
func (d *decoder) number(want byte) uint64 {
	major, n := d.head()
	if major != want {
		d.fail(errType)
		return 0
	}
	return n
}

// elements reads the head of an array or map. A number of elements that the rest
// cannot hold is refused before memory is set aside for them.
func (d *decoder) elements(want byte) int {
	n := d.number(want)
	if n > uint64(len(d.b)-d.at) {
		d.fail(errTruncated)
		return 0
	}
	return int(n)
}

// take answers the next n bytes.
func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)-d.at) {
		d.fail(errTruncated)
		return nil
	}
	taken := d.b[d.at : d.at+int(n)]
	d.at += int(n)
	return taken
}

func (d *decoder) text(share bool) (s string) {
	major, n := d.head()
	switch {
	case major == majorText:
	case major == majorUint && d.tabling && d.err == nil:
		if n >= uint64(len(d.table)) {
			d.fail(errReference)
			return ""
		}
		return d.table[n]
	default:
		d.fail(errType)
		return ""
	}
	b := d.take(n)
	if share {
		var sound bool
		s, sound = d.strings.of(b)
		d.odd = d.odd || !sound
	} else {
		s = string(b)
		d.odd = d.odd || !surelyText(s)
	}
	if d.tabling && tabled(s) {
		d.table = append(d.table, s)
	}
	return s
}

// beginTable is for an entry's changes, up to endTable.
func (d *decoder) beginTable() { d.tabling, d.odd = true, false }

func (d *decoder) endTable() {
	clear(d.table) // it keeps nothing alive
	d.table, d.tabling = d.table[:0], false
}

// fields decodes into the zero struct at base.
func (d *decoder) fields(p *plan, base unsafe.Pointer) {
	last := uint64(0)
	for n := d.elements(majorMap); n > 0 && d.err == nil; n-- {
		key := d.number(majorUint)
		if d.err != nil {
			return
		}
		if key >= maxKey || p.byKey[key] == nil {
			// Dropped by one replica and kept by another it would be a fork.
			d.fail(&olderError{fmt.Sprintf("an unknown field, %d, of %s", key, p.typ)})
			return
		}
		if key <= last {
			d.fail(errOrder)
			return
		}
		last = key
		f := p.byKey[key]
		d.field(f, unsafe.Add(base, f.offset))
	}
}

func (d *decoder) field(f *field, at unsafe.Pointer) {
	switch f.kind {
	case fieldString:
		*(*string)(at) = d.text(f.share)
	case fieldBool:
		switch b := d.take(1); {
		case len(b) == 1 && b[0] == simpleTrue:
			*(*bool)(at) = true
		case len(b) == 1 && b[0] != simpleFalse:
			d.fail(errType)
		}
	case fieldInt:
		major, n := d.head()
		v := int64(n)
		if major == majorNegInt {
			v = -1 - v
		} else if major != majorUint {
			d.fail(errType)
		}
		if n > math.MaxInt64 || !f.setInt(at, v) {
			d.fail(errRange)
		}
	case fieldUint:
		if n := d.number(majorUint); !f.setUint(at, n) {
			d.fail(errRange)
		}
	case fieldBytes:
		*(*[]byte)(at) = append([]byte{}, d.take(d.number(majorBytes))...)
	case fieldStrings:
		list := make([]string, d.elements(majorArray))
		for i := range list {
			list[i] = d.text(true)
		}
		*(*[]string)(at) = list
	case fieldStringMap:
		n := d.elements(majorMap)
		m := make(map[string]string, n)
		for i := 0; i < n && d.err == nil; i++ {
			key := d.text(true)
			m[key] = d.text(true)
		}
		if len(m) != n {
			d.fail(errOrder)
		}
		*(*map[string]string)(at) = m
	case fieldStruct:
		d.fields(f.plan, at)
	case fieldStructs:
		n := d.elements(majorArray)
		list := sliceHeader{data: f.make(n), len: n, cap: n}
		*(*sliceHeader)(at) = list
		for i := 0; i < n && d.err == nil; i++ {
			d.fields(f.plan, unsafe.Add(list.data, uintptr(i)*f.size))
		}
	case fieldPointer:
		if d.at < len(d.b) && d.b[d.at] == null {
			d.at++
			return
		}
		target := reflect.New(f.plan.typ).UnsafePointer()
		*(*unsafe.Pointer)(at) = target
		d.fields(f.plan, target)
	default:
		rest, err := decMode.UnmarshalFirst(d.b[d.at:], reflect.NewAt(f.typ, at).Interface())
		if err != nil {
			d.fail(err)
			return
		}
		d.at = len(d.b) - len(rest)
	}
}

func (f *field) setInt(at unsafe.Pointer, v int64) (fits bool) {
	switch f.size {
	case 1:
		*(*int8)(at) = int8(v)
	case 2:
		*(*int16)(at) = int16(v)
	case 4:
		*(*int32)(at) = int32(v)
	default:
		*(*int64)(at) = v
	}
	return f.int(at) == v
}

func (f *field) setUint(at unsafe.Pointer, v uint64) (fits bool) {
	switch f.size {
	case 1:
		*(*uint8)(at) = uint8(v)
	case 2:
		*(*uint16)(at) = uint16(v)
	case 4:
		*(*uint32)(at) = uint32(v)
	default:
		*(*uint64)(at) = v
	}
	return f.uint(at) == v
}

// encMode and decMode are for the fields that plans leave to the library.
// Strings pass as they are, valid UTF-8 or not: see sound.
var (
	encMode = must(cbor.CoreDetEncOptions().EncMode())
	decMode = must(cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		UTF8:              cbor.UTF8DecodeInvalid,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the options above are constants
	}
	return v
}
