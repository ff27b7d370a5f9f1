package sim

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// The journal is text, for people to read with tail -f. Each line is a record
// that replaces what earlier lines said of the instance, with a checksum at its
// end:
//
//	= instance cluster incarnation group zone spoke epoch address created runs ends ending cpu memory load id *crc
//	- instance cluster spoke epoch removed *crc
//	x instance *crc
//	o id zone address created runs ends ending cpu memory load *crc
//	g id *crc
//
// made or changed, removed, vanished; a machine that is nobody's made, changed or
// released; one gone for good. Fields are added at the end only; id is left out
// where it is derived from the instance.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendMachine(b []byte, m *machine) []byte {
	start := len(b)
	b = append(b, '=')
	for _, s := range [...]string{m.instance, m.cluster, m.incarnation, m.group, m.zone, m.spoke} {
		b = appendText(b, s)
	}
	b = strconv.AppendUint(append(b, ' '), m.epoch, 10)
	b = appendLife(b, m)
	if m.id != "" {
		b = appendText(b, m.id)
	}
	return appendSum(b, start)
}

// appendOutside writes a machine that is nobody's.
func appendOutside(b []byte, m *machine) []byte {
	start := len(b)
	b = appendText(append(b, 'o'), m.id)
	b = appendText(b, m.zone)
	return appendSum(appendLife(b, m), start)
}

func appendGone(b []byte, id string) []byte {
	start := len(b)
	return appendSum(appendText(append(b, 'g'), id), start)
}

// appendLife writes where a machine is, and how it lives.
func appendLife(b []byte, m *machine) []byte {
	b = m.address.AppendTo(append(b, ' '))
	for _, n := range [...]int64{m.created, m.runsAt, m.endsAt, int64(m.end)} {
		b = strconv.AppendInt(append(b, ' '), n, 10)
	}
	for _, f := range [...]float32{m.usage.cpu, m.usage.memory, m.usage.load} {
		if f == float32(int32(f)) { // mostly so, and four times faster
			b = strconv.AppendInt(append(b, ' '), int64(f), 10)
		} else {
			b = strconv.AppendFloat(append(b, ' '), float64(f), 'g', -1, 32)
		}
	}
	return b
}

func appendGrave(b []byte, instance string, g grave) []byte {
	start := len(b)
	b = append(b, '-')
	b = appendText(b, instance)
	b = appendText(b, g.cluster)
	b = appendText(b, g.spoke)
	b = strconv.AppendUint(append(b, ' '), g.epoch, 10)
	b = strconv.AppendInt(append(b, ' '), g.dug, 10)
	return appendSum(b, start)
}

func appendVanished(b []byte, instance string) []byte {
	start := len(b)
	return appendSum(appendText(append(b, 'x'), instance), start)
}

func appendSum(b []byte, start int) []byte {
	sum := crc32.Checksum(b[start:], castagnoli)
	b = append(b, " *"...)
	b = strconv.AppendUint(b, uint64(sum), 16)
	return append(b, '\n')
}

// appendText writes one field; a text that would break the line is escaped.
func appendText(b []byte, s string) []byte {
	b = append(b, ' ')
	if s == "" {
		return append(b, '-')
	}
	plain := s != "-"
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] > ' ' && s[i] < 0x7f && s[i] != '%'
	}
	if plain {
		return append(b, s...)
	}
	if s == "-" {
		return append(b, "%2D"...)
	}
	return append(b, url.PathEscape(s)...)
}

// applyLine brings one line, without its end, into the table.
func (t *table) applyLine(line string) error {
	cut := strings.LastIndex(line, " *")
	if cut < 0 {
		return errors.New("no checksum")
	}
	t.scratch = append(t.scratch[:0], line[:cut]...)
	sum, err := strconv.ParseUint(line[cut+2:], 16, 32)
	if err != nil || crc32.Checksum(t.scratch, castagnoli) != uint32(sum) {
		return errors.New("wrong checksum")
	}
	kind, rest, _ := strings.Cut(line[:cut], " ")
	f := fields{rest: rest, table: t}
	switch kind {
	case "=":
		m := f.machine()
		if f.err != nil {
			return f.err
		}
		if old := t.machines[m.instance]; old != nil {
			m.instance = old.instance
		} else {
			m.instance = strings.Clone(m.instance) // the line is part of something large
		}
		m.id = strings.Clone(m.id)
		t.takeIn(m.id)
		t.put(m)
	case "-":
		instance, g := f.grave()
		if f.err != nil {
			return f.err
		}
		if m := t.machines[instance]; m != nil {
			t.drop(m)
		}
		t.bury(strings.Clone(instance), g)
	case "x":
		if m := t.machines[f.text()]; m != nil {
			t.drop(m)
		}
	case "o":
		m := f.outside()
		if f.err != nil {
			return f.err
		}
		m.id = strings.Clone(m.id)
		t.letOut(m)
	case "g":
		t.lose(strings.Clone(f.text()))
	default:
		return fmt.Errorf("record of kind %q: written by a newer version", kind)
	}
	return nil
}

// fields reads a line's fields in turn and keeps the first error.
type fields struct {
	rest  string
	table *table
	err   error
}

func (f *fields) machine() *machine {
	m := &machine{instance: f.text()}
	g := tag{cluster: f.name(), incarnation: f.name(), group: f.name(), zone: f.name()}
	m.spoke, m.epoch = f.name(), f.uint()
	f.life(m, g)
	if f.rest != "" {
		m.id = f.text()
	}
	return m
}

func (f *fields) outside() *machine {
	m := &machine{id: f.text()}
	f.life(m, tag{zone: f.name()})
	return m
}

func (f *fields) life(m *machine, g tag) {
	m.address = f.address()
	m.created, m.runsAt, m.endsAt, m.end = f.int(), f.int(), f.int(), ending(f.int())
	g.usage = usage{cpu: f.float(), memory: f.float(), load: f.float()}
	m.tag = f.table.tag(g)
	if f.err == nil && int(m.end) >= len(endingMessages) {
		f.err = fmt.Errorf("unknown ending %d", m.end)
	}
}

func (f *fields) grave() (string, grave) {
	return f.text(), grave{cluster: f.name(), spoke: f.name(), epoch: f.uint(), dug: f.int()}
}

func (f *fields) next() string {
	if f.err == nil && f.rest == "" {
		f.err = errors.New("a field is missing")
	}
	var field string
	field, f.rest, _ = strings.Cut(f.rest, " ")
	return field
}

func (f *fields) text() string {
	s := f.next()
	if s == "-" {
		return ""
	}
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	plain, err := url.PathUnescape(s)
	f.keep(err)
	return plain
}

// name is a text that many records share.
func (f *fields) name() string {
	if known, ok := f.table.names[f.peek()]; ok {
		f.next()
		return known
	}
	return f.table.intern(strings.Clone(f.text()))
}

func (f *fields) peek() string {
	s, _, _ := strings.Cut(f.rest, " ")
	if s == "-" || strings.IndexByte(s, '%') >= 0 {
		return "\x00" // is no name
	}
	return s
}

func (f *fields) uint() uint64 {
	n, err := strconv.ParseUint(f.next(), 10, 64)
	f.keep(err)
	return n
}

func (f *fields) int() int64 {
	n, err := strconv.ParseInt(f.next(), 10, 64)
	f.keep(err)
	return n
}

func (f *fields) float() float32 {
	n, err := strconv.ParseFloat(f.next(), 32)
	f.keep(err)
	if math.IsNaN(n) {
		n = -1
	}
	return float32(n)
}

func (f *fields) address() netip.Addr {
	a, err := netip.ParseAddr(f.next())
	f.keep(err)
	return a
}

func (f *fields) keep(err error) {
	if f.err == nil {
		f.err = err
	}
}
