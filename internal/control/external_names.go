package control

import (
	"iter"
	"maps"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
)

// checkExternalNames refuses names in other dialects that another resource of
// the kind and namespace has. It looks at all of them, and only when there are
// names to look for: few resources have any.
func checkExternalNames(m *autoscaling.Meta, others iter.Seq[*autoscaling.Meta]) error {
	if len(m.ExternalNames) == 0 {
		return nil
	}
	dialects := slices.Sorted(maps.Keys(m.ExternalNames))
	for other := range others {
		if other.UID == m.UID {
			continue
		}
		for _, d := range dialects {
			if name, has := other.ExternalNames[d]; has && name == m.ExternalNames[d] {
				err := autoscaling.Errorf(autoscaling.AlreadyExists, "external_names[%s]: %q is the name of %s", d, name, other.ID)
				err.Field = "external_names"
				return err
			}
		}
	}
	return nil
}

// metas is the meta data of a sequence of resources.
func metas[T any](of func(*T) *autoscaling.Meta, all iter.Seq[*T]) iter.Seq[*autoscaling.Meta] {
	return func(yield func(*autoscaling.Meta) bool) {
		for t := range all {
			if !yield(of(t)) {
				return
			}
		}
	}
}

// inGroups is the meta data of all groups' children of a kind.
func inGroups[T any](groups iter.Seq[*autoscaling.Group], of func(*T) *autoscaling.Meta, children func(autoscaling.UID) iter.Seq[*T]) iter.Seq[*autoscaling.Meta] {
	return func(yield func(*autoscaling.Meta) bool) {
		for g := range groups {
			for t := range children(g.UID) {
				if !yield(of(t)) {
					return
				}
			}
		}
	}
}
