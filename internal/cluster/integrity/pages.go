package integrity

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"io"
)

// bbolt's file format, version 2, in the machine's byte order. A page begins with
// a header: id (8 bytes), flags (2), count (2), overflow (4). The two meta pages
// have, behind it: magic (4), version (4), page size (4), flags (4), root page of
// the root bucket (8), its sequence (8), page of the free list (8), pages in use
// (8), transaction (8), checksum of that (8).
const (
	boltMagic      = 0xED0CDAED
	pageHeader     = 16
	elementSize    = 16 // of an element's header on a branch and on a leaf
	bucketHeader   = 16 // root page (8), sequence (8)
	metaSize       = 64
	metaSummed     = 56
	branchPage     = 0x01
	leafPage       = 0x02
	metaPage       = 0x04
	freelistPage   = 0x10
	bucketElement  = 0x01
	noFreelist     = ^uint64(0)
	maxDepth       = 32
	smallestPage   = 1 << 9
	largestPage    = 1 << 16
	boltVersion    = 2
	freelistEscape = 0xFFFF
)

var order = binary.NativeEndian

// CheckPages returns a Damage unless every page that the log file uses is as bbolt
// writes it. It reads the file and does not map it: bbolt panics over a bad page
// from a goroutine of its own, and a mapped page that cannot be read is a fault.
//
// bbolt packs a page without gaps. That is checked, too: a count that is one too
// low would be an entry that never was.
func CheckPages(f io.ReaderAt) error {
	meta, err := readMetas(f)
	if err != nil {
		return err
	}
	w := &walk{f: f, size: meta.pageSize, used: meta.used, seen: make([]bool, min(meta.used, 1<<32))}
	if err := w.freelist(meta.freelist); err != nil {
		return err
	}
	buckets := ""
	err = w.tree(meta.root, nil, nil, 0, func(flags uint32, key, value []byte) error {
		if flags != bucketElement {
			return Damaged("the log file has a value where its buckets are")
		}
		buckets += string(key) + " "
		return w.bucket(value)
	})
	if err != nil {
		return err
	}
	if buckets != "conf logs " {
		return Damaged("the log file has the buckets %q instead of conf and logs", buckets)
	}
	return nil
}

// meta is what a meta page says.
type meta struct {
	pageSize                    int64
	root, freelist, used, count uint64
}

// readMetas returns the newer meta page. A meta page fits a sector, so that no
// crash leaves half of one: both are whole, one transaction apart. bbolt would take
// the older one for a damaged one, and the last transaction for one that never was.
func readMetas(f io.ReaderAt) (meta, error) {
	first, err := readMeta(f, 0, 0)
	if err != nil {
		return meta{}, err
	}
	second, err := readMeta(f, first.pageSize, 1)
	if err != nil {
		return meta{}, err
	}
	if second.pageSize != first.pageSize || second.count-first.count != 1 && first.count-second.count != 1 {
		return meta{}, Damaged("the two headers of the log file do not belong together")
	}
	if second.count > first.count {
		return second, nil
	}
	return first, nil
}

func readMeta(f io.ReaderAt, at int64, id uint64) (meta, error) {
	b := make([]byte, pageHeader+metaSize)
	if _, err := f.ReadAt(b, at); err != nil {
		return meta{}, unreadable(id, err)
	}
	m := b[pageHeader:]
	sum := fnv.New64a()
	sum.Write(m[:metaSummed])
	if order.Uint32(m) != boltMagic || order.Uint32(m[4:]) != boltVersion || sum.Sum64() != order.Uint64(m[metaSummed:]) ||
		order.Uint64(b) != id || order.Uint16(b[8:]) != metaPage {
		return meta{}, Damaged("header %d of the log file is damaged", id+1)
	}
	r := meta{
		pageSize: int64(order.Uint32(m[8:])), root: order.Uint64(m[16:]), freelist: order.Uint64(m[32:]),
		used: order.Uint64(m[40:]), count: order.Uint64(m[48:]),
	}
	if r.pageSize < smallestPage || r.pageSize > largestPage || r.count%2 != id {
		return meta{}, Damaged("header %d of the log file is damaged", id+1)
	}
	return r, nil
}

// unreadable is for a page that the disk does not return.
func unreadable(id uint64, err error) error {
	return Damaged("page %d of the log file cannot be read: %v", id, err)
}

// walk visits each page once.
type walk struct {
	f    io.ReaderAt
	size int64
	used uint64 // pages below this one are in use, or free
	seen []bool
}

// read returns a page with its overflow, which nothing else may refer to.
func (w *walk) read(id uint64) (b []byte, err error) {
	if id < 2 || id >= w.used || id >= uint64(len(w.seen)) {
		return nil, Damaged("the log file refers to page %d of %d", id, w.used)
	}
	var head [pageHeader]byte
	if _, err := w.f.ReadAt(head[:], int64(id)*w.size); err != nil {
		return nil, unreadable(id, err)
	}
	overflow := uint64(order.Uint32(head[12:]))
	if order.Uint64(head[:]) != id || id+overflow >= w.used {
		return nil, Damaged("page %d of the log file is damaged: its header is another page's", id)
	}
	for i := id; i <= id+overflow; i++ {
		if w.seen[i] {
			return nil, Damaged("page %d of the log file is referred to twice", i)
		}
		w.seen[i] = true
	}
	b = make([]byte, (int64(overflow)+1)*w.size)
	if _, err := w.f.ReadAt(b, int64(id)*w.size); err != nil {
		return nil, unreadable(id, err)
	}
	return b, nil
}

// freelist checks the list of free pages, when the file has one.
func (w *walk) freelist(id uint64) error {
	if id == noFreelist {
		return nil
	}
	b, err := w.read(id)
	if err != nil {
		return err
	}
	list, n := b[pageHeader:], uint64(order.Uint16(b[10:]))
	if n == freelistEscape {
		n, list = order.Uint64(list), list[8:]
	}
	if order.Uint16(b[8:]) != freelistPage || n > uint64(len(list)/8) {
		return Damaged("page %d of the log file is damaged: it is not a list of free pages", id)
	}
	return nil
}

// bucket checks a bucket, which is a tree of pages, or one page inside its value.
func (w *walk) bucket(value []byte) error {
	if len(value) < bucketHeader {
		return Damaged("a bucket of the log file is damaged")
	}
	plain := func(flags uint32, _, _ []byte) error {
		if flags != 0 {
			return Damaged("the log file has a bucket where its values are")
		}
		return nil
	}
	if root := order.Uint64(value); root != 0 {
		return w.tree(root, nil, nil, 0, plain)
	}
	page := value[bucketHeader:]
	if len(page) < pageHeader || order.Uint64(page) != 0 || order.Uint16(page[8:]) != leafPage || order.Uint32(page[12:]) != 0 {
		return Damaged("a bucket of the log file is damaged")
	}
	elements, used, ok := parsePage(page)
	if !ok || used != len(page) {
		return Damaged("a bucket of the log file is damaged")
	}
	return w.leaf(elements, nil, nil, plain)
}

// tree checks the pages from id down. Their keys are at least low and below high,
// where those are given.
func (w *walk) tree(id uint64, low, high []byte, depth int, visit func(flags uint32, key, value []byte) error) error {
	b, err := w.read(id)
	if err != nil {
		return err
	}
	elements, used, ok := parsePage(b)
	if !ok || (used+int(w.size)-1)/int(w.size) != len(b)/int(w.size) || depth > maxDepth {
		return Damaged("page %d of the log file is damaged: its content does not fit together", id)
	}
	if len(elements) == 0 && (depth > 0 || order.Uint16(b[8:]) != leafPage) {
		return Damaged("page %d of the log file is damaged: it is empty", id)
	}
	if order.Uint16(b[8:]) == leafPage {
		return w.leaf(elements, low, high, visit)
	}
	if err := inOrder(elements, low, high); err != nil {
		return err
	}
	for i, e := range elements {
		end := high
		if i+1 < len(elements) {
			end = elements[i+1].key
		}
		if err := w.tree(e.page, e.key, end, depth+1, visit); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) leaf(elements []element, low, high []byte, visit func(flags uint32, key, value []byte) error) error {
	if err := inOrder(elements, low, high); err != nil {
		return err
	}
	for _, e := range elements {
		if err := visit(e.flags, e.key, e.value); err != nil {
			return err
		}
	}
	return nil
}

// inOrder returns a Damage unless the keys rise, from low and to below high.
func inOrder(elements []element, low, high []byte) error {
	for i, e := range elements {
		if low != nil && bytes.Compare(e.key, low) < 0 || high != nil && bytes.Compare(e.key, high) >= 0 ||
			i > 0 && bytes.Compare(elements[i-1].key, e.key) >= 0 {
			return Damaged("the keys of the log file are not in order")
		}
	}
	return nil
}

// element is a key of a page, with its value on a leaf and its page on a branch.
type element struct {
	flags      uint32
	page       uint64
	key, value []byte
}

// parsePage returns the elements of a branch or leaf and how many bytes they use
// of the page. It fails unless they are packed as bbolt does.
func parsePage(b []byte) (elements []element, used int, ok bool) {
	kind, count := order.Uint16(b[8:]), int(order.Uint16(b[10:]))
	if kind != leafPage && kind != branchPage || pageHeader+count*elementSize > len(b) {
		return nil, 0, false
	}
	at := uint64(pageHeader + count*elementSize)
	for i := range count {
		head := b[pageHeader+i*elementSize:]
		var e element
		var pos, keySize, valueSize uint64
		if kind == leafPage {
			e.flags, pos = order.Uint32(head), uint64(order.Uint32(head[4:]))
			keySize, valueSize = uint64(order.Uint32(head[8:])), uint64(order.Uint32(head[12:]))
		} else {
			pos, keySize, e.page = uint64(order.Uint32(head)), uint64(order.Uint32(head[4:])), order.Uint64(head[8:])
		}
		if pos != at-uint64(pageHeader+i*elementSize) || keySize == 0 || at+keySize+valueSize > uint64(len(b)) {
			return nil, 0, false
		}
		e.key, e.value = b[at:at+keySize], b[at+keySize:at+keySize+valueSize]
		at += keySize + valueSize
		elements = append(elements, e)
	}
	return elements, int(at), true
}
