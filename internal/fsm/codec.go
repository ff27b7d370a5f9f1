package fsm

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/asctl/as/internal/autoscaling"
)

// Records are encoded by plans: the `cbor` tags of a struct type, read once,
// with the offset of each field. The bytes are those of fxamacker/cbor in core
// deterministic mode (tests compare the two), at a fifth of its cost, which is
// what applying a record mostly consists of. A field of a type that plans do not
// know goes through the library.

// plan is how a struct type is encoded: as a map with integer keys.
type plan struct {
	typ    reflect.Type
	fields []field        // by key
	byKey  [maxKey]*field // for decoding
	texts  *texts
}

const maxKey = 128

type field struct {
	key       uint8
	kind      fieldKind
	omitEmpty bool
	share     bool // repeated strings are kept once
	lines     bool // its text may have several lines
	offset    uintptr
	size      uintptr // of the integer, or of a slice's element
	plan      *plan   // of a struct, or of what a slice or pointer holds
	make      func(n int) unsafe.Pointer
	typ       reflect.Type
}

type fieldKind uint8

const (
	fieldOther fieldKind = iota // by the library
	fieldString
	fieldBool
	fieldInt
	fieldUint
	fieldBytes
	fieldStrings // a slice of strings
	fieldStringMap
	fieldStruct
	fieldStructs // a slice of structs
	fieldPointer // to a struct
)

// plans are those of the kinds of records.
var plans = [kindCount]*plan{
	kindCluster:       planOf(reflect.TypeFor[autoscaling.Cluster]()),
	kindNode:          planOf(reflect.TypeFor[autoscaling.Node]()),
	kindStore:         planOf(reflect.TypeFor[autoscaling.ProviderStore]()),
	kindConfiguration: planOf(reflect.TypeFor[autoscaling.Configuration]()),
	kindVersion:       planOf(reflect.TypeFor[autoscaling.ConfigurationVersion]()),
	kindGroup:         planOf(reflect.TypeFor[autoscaling.Group]()),
	kindRule:          planOf(reflect.TypeFor[autoscaling.Rule]()),
	kindAlarm:         planOf(reflect.TypeFor[autoscaling.AlarmTask]()),
	kindTask:          planOf(reflect.TypeFor[autoscaling.ScheduledTask]()),
	kindInstance:      planOf(reflect.TypeFor[autoscaling.Instance]()),
	kindActivity:      planOf(reflect.TypeFor[autoscaling.Activity]()),
	kindRequest:       planOf(reflect.TypeFor[autoscaling.Request]()),
	kindOrphan:        planOf(reflect.TypeFor[autoscaling.Orphan]()),
	kindEvent:         planOf(reflect.TypeFor[autoscaling.Event]()),
	kindHook:          planOf(reflect.TypeFor[autoscaling.LifecycleHook]()),
	kindNotification:  planOf(reflect.TypeFor[autoscaling.Notification]()),
	kindTarget:        planOf(reflect.TypeFor[autoscaling.NotificationTarget]()),
	kindDelivery:      planOf(reflect.TypeFor[autoscaling.Delivery]()),
	kindReleased:      planOf(reflect.TypeFor[autoscaling.Released]()),
}

// planOf panics when a tag is missing or used twice: found by every test.
func planOf(typ reflect.Type) *plan {
	p := &plan{typ: typ}
	p.collect(typ, 0)
	slices.SortFunc(p.fields, func(a, b field) int { return int(a.key) - int(b.key) })
	for i := range p.fields {
		f := &p.fields[i]
		if p.byKey[f.key] != nil {
			panic(fmt.Sprintf("fsm: key %d of %s is used twice", f.key, typ))
		}
		p.byKey[f.key] = f
	}
	p.texts = textsOf(p.fields)
	return p
}

// collect adds the fields of a struct, those of embedded ones included.
func (p *plan) collect(typ reflect.Type, offset uintptr) {
	for i := range typ.NumField() {
		sf := typ.Field(i)
		tag, tagged := sf.Tag.Lookup("cbor")
		if sf.Anonymous && !tagged {
			p.collect(sf.Type, offset+sf.Offset)
			continue
		}
		parts := strings.Split(tag, ",")
		key, err := strconv.Atoi(parts[0])
		if err != nil || key < 1 || key >= maxKey || !slices.Contains(parts, "keyasint") {
			panic(fmt.Sprintf("fsm: field %s of %s needs a cbor tag with an integer key below %d", sf.Name, typ, maxKey))
		}
		f := field{
			key:       uint8(key),
			omitEmpty: slices.Contains(parts, "omitempty"),
			offset:    offset + sf.Offset,
			typ:       sf.Type,
			lines:     sf.Tag.Get("text") == "lines",
			share:     sf.Type != reflect.TypeFor[autoscaling.InstanceID](),
		}
		f.plan, f.kind, f.size = planOfField(sf.Type)
		if f.kind == fieldStructs {
			f.make = makerOf(sf.Type)
		}
		p.fields = append(p.fields, f)
	}
}

func planOfField(typ reflect.Type) (*plan, fieldKind, uintptr) {
	switch typ.Kind() {
	case reflect.String:
		return nil, fieldString, 0
	case reflect.Bool:
		return nil, fieldBool, 0
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return nil, fieldInt, typ.Size()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return nil, fieldUint, typ.Size()
	case reflect.Struct:
		return planOf(typ), fieldStruct, 0
	case reflect.Pointer:
		if typ.Elem().Kind() == reflect.Struct {
			return planOf(typ.Elem()), fieldPointer, 0
		}
	case reflect.Slice:
		switch typ.Elem().Kind() {
		case reflect.Uint8:
			return nil, fieldBytes, 0
		case reflect.String:
			return nil, fieldStrings, 0
		case reflect.Struct:
			return planOf(typ.Elem()), fieldStructs, typ.Elem().Size()
		}
	case reflect.Map:
		if typ == reflect.TypeFor[map[string]string]() {
			return nil, fieldStringMap, 0
		}
	}
	return nil, fieldOther, 0
}

// makerOf answers what allocates n zero elements of a slice type; the types that
// every instance has are made without reflection.
func makerOf(slice reflect.Type) func(n int) unsafe.Pointer {
	switch slice {
	case reflect.TypeFor[[]autoscaling.TimelineEntry]():
		return makeSlice[autoscaling.TimelineEntry]
	case reflect.TypeFor[[]autoscaling.BalancerAttachment]():
		return makeSlice[autoscaling.BalancerAttachment]
	case reflect.TypeFor[[]autoscaling.AccessListAttachment]():
		return makeSlice[autoscaling.AccessListAttachment]
	}
	return func(n int) unsafe.Pointer { return reflect.MakeSlice(slice, n, n).UnsafePointer() }
}

func makeSlice[T any](n int) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(make([]T, n))) }

// sliceHeader is how a slice of any type lies in memory.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}
