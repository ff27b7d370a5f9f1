package fsm

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"unsafe"

	"github.com/asctl/as/internal/autoscaling/text"
)

// Every string of a record is text as package text has it: a line, or lines where
// the field's tag says text:"lines". Records are made so when they are put (by a
// transaction) and when they are read (an older version may have written them), so
// that nothing in the state can fail to be shown.

// texts is where a struct holds text.
type texts struct {
	strings []textField // strings, those of structs in it included
	others  []textField
}

// textField is a field that holds text, or structs that do.
type textField struct {
	kind   fieldKind
	lines  bool
	offset uintptr
	size   uintptr // of a slice's element
	texts  *texts  // of what a slice or pointer holds
}

func (t *texts) empty() bool { return len(t.strings)+len(t.others) == 0 }

// textsOf collects the fields that hold text. It panics when the text of a field
// would be overlooked.
func textsOf(fields []field) *texts {
	t := new(texts)
	for i := range fields {
		f := &fields[i]
		switch f.kind {
		case fieldString:
			t.strings = append(t.strings, textField{kind: f.kind, lines: f.lines, offset: f.offset})
		case fieldStrings, fieldStringMap:
			t.others = append(t.others, textField{kind: f.kind, lines: f.lines, offset: f.offset})
		case fieldStructs, fieldPointer:
			if !f.plan.texts.empty() {
				t.others = append(t.others, textField{kind: f.kind, offset: f.offset, size: f.size, texts: f.plan.texts})
			}
		case fieldStruct:
			t.strings = append(t.strings, moved(f.plan.texts.strings, f.offset)...)
			t.others = append(t.others, moved(f.plan.texts.others, f.offset)...)
		case fieldOther:
			if holdsText(f.typ) {
				panic(fmt.Sprintf("fsm: text in a field of type %s is not checked", f.typ))
			}
		}
	}
	return t
}

func moved(inner []textField, offset uintptr) []textField {
	outer := slices.Clone(inner)
	for i := range outer {
		outer[i].offset += offset
	}
	return outer
}

func holdsText(typ reflect.Type) bool {
	switch typ.Kind() {
	case reflect.String, reflect.Struct, reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return holdsText(typ.Elem())
	case reflect.Map:
		return holdsText(typ.Key()) || holdsText(typ.Elem())
	}
	return false
}

// repairTexts makes the strings of a record text. The record must not be in the
// state yet.
func repairTexts(k kind, record any) {
	plans[k].texts.repair(reflect.ValueOf(record).UnsafePointer())
}

func (t *texts) repair(base unsafe.Pointer) {
	for i := range t.strings {
		t.strings[i].repairString(base)
	}
	for i := range t.others {
		t.others[i].repair(unsafe.Add(base, t.others[i].offset))
	}
}

func (f *textField) repair(at unsafe.Pointer) {
	switch f.kind {
	case fieldStrings:
		list := *(*[]string)(at)
		for n := range list {
			if !surelyText(list[n]) {
				list[n] = f.repaired(list[n])
			}
		}
	case fieldStringMap:
		f.repairMap((*map[string]string)(at))
	case fieldStructs:
		list := *(*sliceHeader)(at)
		if one := f.texts.strings; len(one) == 1 && len(f.texts.others) == 0 { // a timeline
			for n := range list.len {
				one[0].repairString(unsafe.Add(list.data, uintptr(n)*f.size))
			}
			return
		}
		for n := range list.len {
			f.texts.repair(unsafe.Add(list.data, uintptr(n)*f.size))
		}
	case fieldPointer:
		if target := *(*unsafe.Pointer)(at); target != nil {
			f.texts.repair(target)
		}
	}
}

func (f *textField) repairString(base unsafe.Pointer) {
	if s := (*string)(unsafe.Add(base, f.offset)); len(*s) > 0 && !surelyText(*s) {
		*s = f.repaired(*s)
	}
}

func (f *textField) repaired(s string) string {
	if f.lines {
		return text.Lines(s)
	}
	return text.Line(s)
}

// repairMap puts another map in the place of one that has to be repaired: the map
// may be another record's, too. Keys are lines. Of two keys that become the same
// the later one's value stays.
func (f *textField) repairMap(m *map[string]string) {
	sound := true
	for k, v := range *m {
		sound = sound && surelyText(k) && surelyText(v)
	}
	if sound {
		return
	}
	again := make(map[string]string, len(*m))
	for _, k := range slices.Sorted(maps.Keys(*m)) {
		again[text.Line(k)] = f.repaired((*m)[k])
	}
	*m = again
}

// surelyText reports whether a string needs no closer look.
func surelyText(s string) bool { return len(s) <= text.MaxLine && text.Plain(s) }
