package explain

import (
	"cmp"
	"slices"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// Findings are what is late or wrong in the namespace, the worst first, then by
// resource. An empty namespace means all of them.
func Findings(r fsm.Reader, namespace string, now autoscaling.Time) []Finding {
	f := &finder{Reader: r, now: now}
	for g := range r.Groups(namespace) {
		f.inGroup(g)
	}
	for t := range r.NotificationTargets(namespace) {
		f.target(t)
	}
	f.orphans(namespace)
	return f.sorted()
}

// GroupFindings are those of one group.
func GroupFindings(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) []Finding {
	f := &finder{Reader: r, now: now}
	f.inGroup(g)
	return f.sorted()
}

// perKind is how many instances of a group are named for one thing; of what is
// beyond only the number is said.
const perKind = 10

// finder gathers findings.
type finder struct {
	fsm.Reader
	now   autoscaling.Time
	found []Finding
}

func (f *finder) add(found Finding) {
	f.found = append(f.found, found.inSentences())
}

func (f Finding) inSentences() Finding {
	f.Problem, f.Cause, f.Next = sentence(f.Problem), sentence(f.Cause), sentence(f.Next)
	return f
}

func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") {
		return capital(s)
	}
	return capital(s) + "."
}

func (f *finder) sorted() []Finding {
	slices.SortStableFunc(f.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Kind, b.Kind))
	})
	return f.found
}

func (f *finder) inGroup(g *autoscaling.Group) {
	f.conditions(g)
	f.stillness(g)
	f.deleting(g)
	if f.Counts(g.UID).Live > 0 {
		f.instances(g)
	}
}
