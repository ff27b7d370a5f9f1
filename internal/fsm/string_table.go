package fsm

// stringTable numbers the strings of one log entry, from 0, in the order in which
// each is first written: uids, ids, names and messages stand in the records of an
// instance, its activity and its events, and in those of its neighbours. The
// first time a string is a CBOR text, after that the text's number, an unsigned
// integer, in its place. Whoever reads keeps the same count (decoder.text), so
// the table itself is not in the entry.
//
// What goes that way, a quarter of an entry and more, no node has to send or
// receive, write to disk, or decode.
type stringTable struct{ numbers map[string]uint64 }

const (
	shortestTabled = 3 // below, a number is no shorter
	longestTabled  = 128
)

func tabled(s string) bool { return len(s) >= shortestTabled && len(s) <= longestTabled }

func newStringTable(changes int) *stringTable {
	return &stringTable{make(map[string]uint64, 2*changes)}
}

// append writes the string or its number. A nil table knows no string.
func (t *stringTable) append(b []byte, s string) []byte {
	if t == nil || !tabled(s) {
		return appendText(b, s)
	}
	if n, known := t.numbers[s]; known {
		return appendHead(b, majorUint, n)
	}
	t.numbers[s] = uint64(len(t.numbers))
	return appendText(b, s)
}
