package fsm

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"unsafe"

	"github.com/fxamacker/cbor/v2"
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
	errType  = errors.New("it has a data item of another type than expected")
	errOrder = errors.New("its keys are not in order")
	errRange = errors.New("it has a number out of range")
)

// decoder reads records. It keeps repeated strings once, and belongs to one
// goroutine.
type decoder struct {
	strings stringCache
}

// record decodes the record of the kind at the beginning of b.
func (d *decoder) record(b []byte, k kind) (record any, rest []byte, err error) {
	if k == 0 || k >= kindCount {
		return nil, nil, &olderError{fmt.Sprintf("a record of an unknown kind, %d", uint8(k))}
	}
	record = newRecord(k)
	rest, err = d.fields(b, plans[k], reflect.ValueOf(record).UnsafePointer())
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", k, err)
	}
	return record, rest, nil
}

// fields decodes into the zero struct at base.
func (d *decoder) fields(b []byte, p *plan, base unsafe.Pointer) (_ []byte, err error) {
	n, b, err := readMajor(b, majorMap)
	if err != nil {
		return nil, err
	}
	last := uint64(0)
	for range n {
		var key uint64
		if key, b, err = readMajor(b, majorUint); err != nil {
			return nil, err
		}
		if key >= maxKey || p.byKey[key] == nil {
			// Dropped by one replica and kept by another it would be a fork.
			return nil, &olderError{fmt.Sprintf("an unknown field, %d, of %s", key, p.typ)}
		}
		if key <= last {
			return nil, errOrder
		}
		last = key
		f := p.byKey[key]
		if b, err = d.field(b, f, unsafe.Add(base, f.offset)); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (d *decoder) field(b []byte, f *field, at unsafe.Pointer) ([]byte, error) {
	if f.kind == fieldOther {
		return decMode.UnmarshalFirst(b, reflect.NewAt(f.typ, at).Interface())
	}
	major, n, rest, err := readHead(b)
	if err != nil {
		return nil, err
	}
	switch f.kind {
	case fieldString:
		if major != majorText {
			return nil, errType
		}
		if uint64(len(rest)) < n {
			return nil, errTruncated
		}
		*(*string)(at) = d.text(rest[:n], f.share)
		return rest[n:], nil
	case fieldBool:
		switch b[0] {
		case simpleTrue:
			*(*bool)(at) = true
		case simpleFalse:
		default:
			return nil, errType
		}
		return rest, nil
	case fieldInt:
		if n > math.MaxInt64 {
			return nil, errRange
		}
		v := int64(n)
		switch major {
		case majorUint:
		case majorNegInt:
			v = -1 - v
		default:
			return nil, errType
		}
		return rest, f.setInt(at, v)
	case fieldUint:
		if major != majorUint {
			return nil, errType
		}
		return rest, f.setUint(at, n)
	case fieldBytes:
		if major != majorBytes {
			return nil, errType
		}
		if uint64(len(rest)) < n {
			return nil, errTruncated
		}
		*(*[]byte)(at) = append([]byte{}, rest[:n]...)
		return rest[n:], nil
	case fieldStrings:
		if err := sane(major, majorArray, n, rest); err != nil {
			return nil, err
		}
		list := make([]string, n)
		for i := range list {
			if list[i], rest, err = d.readText(rest); err != nil {
				return nil, err
			}
		}
		*(*[]string)(at) = list
		return rest, nil
	case fieldStringMap:
		if err := sane(major, majorMap, n, rest); err != nil {
			return nil, err
		}
		m := make(map[string]string, n)
		for range n {
			var k, v string
			if k, rest, err = d.readText(rest); err != nil {
				return nil, err
			}
			if v, rest, err = d.readText(rest); err != nil {
				return nil, err
			}
			m[k] = v
		}
		if uint64(len(m)) != n {
			return nil, errOrder
		}
		*(*map[string]string)(at) = m
		return rest, nil
	case fieldStruct:
		return d.fields(b, f.plan, at)
	case fieldStructs:
		if err := sane(major, majorArray, n, rest); err != nil {
			return nil, err
		}
		list := sliceHeader{data: f.make(int(n)), len: int(n), cap: int(n)}
		*(*sliceHeader)(at) = list
		for i := range n {
			if rest, err = d.fields(rest, f.plan, unsafe.Add(list.data, uintptr(i)*f.size)); err != nil {
				return nil, err
			}
		}
		return rest, nil
	case fieldPointer:
		if b[0] == null {
			return rest, nil
		}
		target := reflect.New(f.plan.typ).UnsafePointer()
		*(*unsafe.Pointer)(at) = target
		return d.fields(b, f.plan, target)
	}
	panic("fsm: field of unknown kind")
}

// sane refuses a number of elements that the rest cannot hold, before memory is
// set aside for them.
func sane(major, want byte, n uint64, rest []byte) error {
	if major != want {
		return errType
	}
	if n > uint64(len(rest)) {
		return errTruncated
	}
	return nil
}

func (d *decoder) readText(b []byte) (string, []byte, error) {
	n, b, err := readMajor(b, majorText)
	if err != nil {
		return "", nil, err
	}
	if uint64(len(b)) < n {
		return "", nil, errTruncated
	}
	return d.text(b[:n], true), b[n:], nil
}

func (d *decoder) text(b []byte, share bool) string {
	if share {
		return d.strings.of(b)
	}
	return string(b)
}

func (f *field) setInt(at unsafe.Pointer, v int64) error {
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
	if f.int(at) != v {
		return errRange
	}
	return nil
}

func (f *field) setUint(at unsafe.Pointer, v uint64) error {
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
	if f.uint(at) != v {
		return errRange
	}
	return nil
}

// decodeKey reads the key of a delete, [a, b, n].
func (d *decoder) key(b []byte) (id key, rest []byte, err error) {
	n, b, err := readMajor(b, majorArray)
	if err != nil {
		return id, nil, err
	}
	if n != 3 {
		return id, nil, &olderError{fmt.Sprintf("a key of %d parts", n)}
	}
	if id.a, b, err = d.readText(b); err != nil {
		return id, nil, err
	}
	if id.b, b, err = d.readText(b); err != nil {
		return id, nil, err
	}
	id.n, b, err = readUint(b)
	return id, b, err
}

// encMode and decMode are for the fields that plans leave to the library.
// Strings pass as they are, valid UTF-8 or not: the writer's node took them, so
// must all.
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
