package fsm

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unsafe"
)

// appendRecord encodes a record of the kind. Strings that t knows are written as
// their numbers; without a t every string is written out.
func appendRecord(b []byte, k kind, record any, t *stringTable) ([]byte, error) {
	v := reflect.ValueOf(record)
	if v.Type().Elem() != plans[k].typ {
		panic(fmt.Sprintf("fsm: a %s is no %T", k, record))
	}
	b, _, err := plans[k].append(b, v.UnsafePointer(), t)
	return b, err
}

// append encodes the struct at base and answers how many fields it wrote.
func (p *plan) append(b []byte, base unsafe.Pointer, t *stringTable) (_ []byte, written int, err error) {
	head := len(b)
	b = append(b, 0) // room for the head, as it mostly is
	for i := range p.fields {
		f := &p.fields[i]
		at := unsafe.Add(base, f.offset)
		if f.omitEmpty && f.empty(at) {
			continue
		}
		start := len(b)
		b = f.appendKey(b)
		switch f.kind {
		case fieldString:
			b = t.append(b, *(*string)(at))
		case fieldBool:
			b = appendBool(b, *(*bool)(at))
		case fieldInt:
			b = appendInt(b, f.int(at))
		case fieldUint:
			b = appendHead(b, majorUint, f.uint(at))
		case fieldBytes:
			s := *(*[]byte)(at)
			b = append(appendHead(b, majorBytes, uint64(len(s))), s...)
		case fieldStrings:
			list := *(*[]string)(at)
			b = appendHead(b, majorArray, uint64(len(list)))
			for _, s := range list {
				b = t.append(b, s)
			}
		case fieldStringMap:
			b = appendStringMap(b, *(*map[string]string)(at), t)
		case fieldStruct:
			var n int
			if b, n, err = f.plan.append(b, at, t); n == 0 && f.omitEmpty {
				b = b[:start]
				continue
			}
		case fieldStructs:
			list := *(*sliceHeader)(at)
			b = appendHead(b, majorArray, uint64(list.len))
			for i := 0; i < list.len && err == nil; i++ {
				b, _, err = f.plan.append(b, unsafe.Add(list.data, uintptr(i)*f.size), t)
			}
		case fieldPointer:
			if target := *(*unsafe.Pointer)(at); target != nil {
				b, _, err = f.plan.append(b, target, t)
			} else {
				b = append(b, null)
			}
		default:
			b, err = f.appendOther(b, at)
		}
		if err != nil {
			return nil, 0, err
		}
		written++
	}
	if written < 24 {
		b[head] = majorMap | byte(written)
	} else {
		b[head] = majorMap | 24
		b = slices.Insert(b, head+1, byte(written))
	}
	return b, written, nil
}

func (f *field) appendKey(b []byte) []byte {
	if f.key < 24 {
		return append(b, majorUint|f.key)
	}
	return append(b, majorUint|24, f.key)
}

// empty says whether the field has nothing in it; of a struct that is seen when
// it is encoded.
func (f *field) empty(at unsafe.Pointer) bool {
	switch f.kind {
	case fieldString:
		return *(*string)(at) == ""
	case fieldBool:
		return !*(*bool)(at)
	case fieldInt:
		return f.int(at) == 0
	case fieldUint:
		return f.uint(at) == 0
	case fieldBytes, fieldStrings, fieldStructs:
		return (*sliceHeader)(at).len == 0
	case fieldStringMap:
		return len(*(*map[string]string)(at)) == 0
	case fieldPointer:
		return *(*unsafe.Pointer)(at) == nil
	case fieldStruct:
		return false
	}
	v := reflect.NewAt(f.typ, at).Elem()
	if v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
		return v.Len() == 0
	}
	return v.IsZero()
}

const (
	simpleFalse = 0xf4
	simpleTrue  = 0xf5
	null        = 0xf6
)

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, simpleTrue)
	}
	return append(b, simpleFalse)
}

func appendText(b []byte, s string) []byte {
	return append(appendHead(b, majorText, uint64(len(s))), s...)
}

// appendStringMap sorts the keys as their encodings sort: shorter ones first.
func appendStringMap(b []byte, m map[string]string, t *stringTable) []byte {
	b = appendHead(b, majorMap, uint64(len(m)))
	if len(m) == 0 {
		return b
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	for _, k := range keys {
		b = t.append(t.append(b, k), m[k])
	}
	return b
}

func (f *field) int(at unsafe.Pointer) int64 {
	switch f.size {
	case 1:
		return int64(*(*int8)(at))
	case 2:
		return int64(*(*int16)(at))
	case 4:
		return int64(*(*int32)(at))
	}
	return *(*int64)(at)
}

func (f *field) uint(at unsafe.Pointer) uint64 {
	switch f.size {
	case 1:
		return uint64(*(*uint8)(at))
	case 2:
		return uint64(*(*uint16)(at))
	case 4:
		return uint64(*(*uint32)(at))
	}
	return *(*uint64)(at)
}

func (f *field) appendOther(b []byte, at unsafe.Pointer) ([]byte, error) {
	encoded, err := encMode.Marshal(reflect.NewAt(f.typ, at).Elem().Interface())
	return append(b, encoded...), err
}
