package autoscaling

import (
	"maps"
	"slices"
)

// ValidateMeta checks what a caller says of a resource itself. idField is the
// name of the id in the request, e.g. "group_id".
func ValidateMeta(idField string, m *Meta) error {
	if !ValidID(m.ID) {
		return FieldErrorf(idField, "%q is not an id (%s)", m.ID, idRule)
	}
	return first(
		checkTexts("labels", m.Labels, 64, 0, 255),
		checkTexts("external_names", m.ExternalNames, 16, 1, 255),
	)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
