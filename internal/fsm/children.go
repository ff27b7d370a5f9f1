package fsm

import (
	"iter"
	"slices"
	"strings"
)

// A group's rules and tasks are few: sorted slices, replaced as a whole.

func findChild[T any](list []T, id string, idOf func(T) string) (at int, found bool) {
	return slices.BinarySearchFunc(list, id, func(c T, id string) int { return strings.Compare(idOf(c), id) })
}

func getChild[T any](list []*T, id string, idOf func(*T) string) *T {
	if at, found := findChild(list, id, idOf); found {
		return list[at]
	}
	return nil
}

// replaceChild answers the list without prev and with next; either may be nil.
func replaceChild[T any](list []*T, prev, next *T, idOf func(*T) string) []*T {
	some := next
	if some == nil {
		some = prev
	}
	if some == nil {
		return list
	}
	at, found := findChild(list, idOf(some), idOf)
	out := make([]*T, 0, len(list)+1)
	out = append(out, list[:at]...)
	if next != nil {
		out = append(out, next)
	}
	if found {
		at++
	}
	return append(out, list[at:]...)
}

func eachChild[T any](list []*T) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, c := range list {
			if !yield(c) {
				return
			}
		}
	}
}
