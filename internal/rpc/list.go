package rpc

import (
	"iter"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// listRequest is what every List has.
type listRequest interface {
	proto.Message
	GetPageSize() int32
	GetPageToken() string
	GetSkip() int32
	GetFilter() string
	GetOrderBy() string
}

// Bounds of a page. A page that would become bigger than maxPageBytes ends early.
const (
	defaultPage  = 50
	maxPage      = 1000
	maxPageBytes = 3 << 20
)

// lister says how the records R of a list become messages M.
type lister[R any, M proto.Message] struct {
	records iter.Seq[R] // in the list's default order
	// key is a record's place in the default order: unique, and ascending as text.
	key func(R) string
	// message is what filter and order look at.
	message func(R) M
	// full adds what only a page shows; nil adds nothing.
	full func(R, M)
}

// row is a record that passed the filter.
type row[R any, M proto.Message] struct {
	record  R
	key     string
	message M
	values  []scalar // what the order compares
}

// list answers one page. A page begins after the last row of the page before, by
// its values and not by its number, so that what comes and goes between two pages
// neither repeats nor hides a row.
func list[R any, M proto.Message](req listRequest, l lister[R, M]) (page []M, next string, total int32, err error) {
	var none M
	d := none.ProtoReflect().Descriptor()
	matches, err := parseFilter(req.GetFilter(), d)
	if err != nil {
		return nil, "", 0, err
	}
	by, err := parseOrder(req.GetOrderBy(), d)
	if err != nil {
		return nil, "", 0, err
	}
	after, err := parsePageToken(req, len(by))
	if err != nil {
		return nil, "", 0, err
	}
	p := pager[R, M]{lister: l, skip: int(req.GetSkip()), size: pageSize(req)}
	if matches == nil && by == nil {
		for r := range l.records { // messages are made for the page only
			p.total++
			if key := l.key(r); key > after.Key || !after.given {
				p.take(row[R, M]{record: r, key: key})
			}
		}
	} else {
		for _, row := range l.sorted(matches, by) {
			p.total++
			if !after.given || after.before(by, row.values, row.key) {
				p.take(row)
			}
		}
	}
	if p.more {
		next = pageToken(req, p.last.key, p.last.values)
	}
	return p.page, next, p.total, nil
}

// sorted are the rows that pass, in the order asked for.
func (l lister[R, M]) sorted(matches matcher, by order) []row[R, M] {
	var rows []row[R, M]
	for r := range l.records {
		m := l.message(r)
		var reflected protoreflect.Message = m.ProtoReflect()
		if matches != nil && !matches(reflected) {
			continue
		}
		rows = append(rows, row[R, M]{r, l.key(r), m, by.values(reflected)})
	}
	if by != nil {
		slices.SortFunc(rows, func(a, b row[R, M]) int {
			if c := by.compare(a.values, b.values); c != 0 {
				return c
			}
			return strings.Compare(a.key, b.key)
		})
	}
	return rows
}

// pager collects a page.
type pager[R any, M proto.Message] struct {
	lister[R, M]
	skip, size int

	page  []M
	bytes int
	last  row[R, M]
	more  bool
	total int32
}

// take puts a row on the page, unless it is to be skipped or the page is full.
func (p *pager[R, M]) take(r row[R, M]) {
	switch {
	case p.more:
		return
	case p.skip > 0:
		p.skip--
		return
	case len(p.page) == p.size:
		p.more = true
		return
	}
	m := r.message
	if !m.ProtoReflect().IsValid() {
		m = p.message(r.record)
	}
	if p.full != nil {
		p.full(r.record, m)
	}
	p.bytes += proto.Size(m)
	if p.bytes > maxPageBytes && len(p.page) > 0 {
		p.more = true
		return
	}
	p.page = append(p.page, m)
	p.last = r
}

func pageSize(req listRequest) int {
	switch n := int(req.GetPageSize()); {
	case n <= 0:
		return defaultPage
	default:
		return min(n, maxPage)
	}
}
