package fsm

import (
	"cmp"
	"iter"
	"strings"

	"github.com/tidwall/btree"
)

// epoch is the right to write: what carries the epoch of a state was made for
// that state and is not shared, everything else is copied first. It has a size,
// so that every new one has an address of its own.
type epoch struct{ _ byte }

// table is an ordered map that is copied on write. The zero value is empty.
// Copying the struct captures it; the copy and the original may be read from
// any goroutine as long as neither is written with the epoch that it carries.
type table[K cmp.Ordered, V any] struct {
	tree  btree.Map[K, held[V]]
	owner *epoch
}

// held keeps the tree from seeing the methods of what is in it: it would call a
// Copy method by itself.
type held[V any] struct{ v V }

// degree bounds a node to 31 entries: a write copies one leaf of that size.
const degree = 16

func (t *table[K, V]) own(e *epoch) {
	if t.owner == e {
		return
	}
	if t.tree.Len() == 0 {
		t.tree = *btree.NewMap[K, held[V]](degree)
	} else {
		// Copy writes to its receiver, which others may be reading: so to a copy.
		shared := t.tree
		t.tree = *shared.Copy()
	}
	t.owner = e
}

// set answers what was there before.
func (t *table[K, V]) set(e *epoch, key K, v V) (prev V, replaced bool) {
	t.own(e)
	h, replaced := t.tree.Set(key, held[V]{v})
	return h.v, replaced
}

func (t *table[K, V]) delete(e *epoch, key K) {
	if _, ok := t.tree.Get(key); !ok {
		return
	}
	t.own(e)
	t.tree.Delete(key)
}

func (t *table[K, V]) get(key K) (V, bool) {
	h, ok := t.tree.Get(key)
	return h.v, ok
}

func (t *table[K, V]) len() int { return t.tree.Len() }

// capture answers the tree as it is now, whatever is written later. Of a tree
// that can still be written in place that takes a real copy (in constant time).
func (t *table[K, V]) capture(mutable *epoch) *btree.Map[K, held[V]] {
	if mutable != nil && t.owner == mutable {
		return t.tree.Copy()
	}
	tree := t.tree
	return &tree
}

// all iterates over the table as it is when the iteration begins.
func (t *table[K, V]) all(mutable *epoch) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		t.capture(mutable).Scan(func(key K, h held[V]) bool { return yield(key, h.v) })
	}
}

func (t *table[K, V]) backward(mutable *epoch) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		t.capture(mutable).Reverse(func(key K, h held[V]) bool { return yield(key, h.v) })
	}
}

// withPrefix iterates over the keys that begin with prefix.
func withPrefix[V any](t *table[string, V], mutable *epoch, prefix string) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		t.capture(mutable).Ascend(prefix, func(key string, h held[V]) bool {
			return strings.HasPrefix(key, prefix) && yield(key, h.v)
		})
	}
}

// name joins the parts of a composite key so that keys sort as their parts do.
// Identifiers contain no zero byte.
func name(parts ...string) string { return strings.Join(parts, "\x00") }

// prefix is what the names below the given parts begin with; empty parts at the
// end stand for everything.
func prefix(parts ...string) string {
	p := ""
	for _, part := range parts {
		if part == "" {
			break
		}
		p += part + "\x00"
	}
	return p
}
