package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"

	"github.com/asctl/as/internal/cluster/integrity"
)

// noteKey is where the stable store has what the journal must be like.
var noteKey = []byte("journal")

// note is kept in the stable store, away from the files that it is about.
type note struct {
	seed uint32 // where checksums start
	// newest is a record that was written, and last an entry that was stored, both
	// as of the last clean stop.
	newest, last uint64
}

// The note's encoding: its version (1 byte), seed (4), newest (8), last (8). The
// first format of the journal had the seed alone.
const (
	noteVersion = 2
	noteSize    = 21
	legacySize  = 4
)

func (n note) encode() []byte {
	b := binary.LittleEndian.AppendUint32([]byte{noteVersion}, n.seed)
	b = binary.LittleEndian.AppendUint64(b, n.newest)
	return binary.LittleEndian.AppendUint64(b, n.last)
}

// ensure returns the note of the journal. It makes the journal of a node that
// never had one, and takes over one of the first format. The new segments get
// their names only when the note says that they count.
func ensure(c Config) (note, error) {
	v, err := c.Stable.Get(noteKey)
	switch {
	case err != nil && err.Error() != "not found": // Raft, too, knows it by its text
		return note{}, fmt.Errorf("journal: %w", err)
	case err == nil && len(v) == noteSize && v[0] == noteVersion:
		n := note{
			seed: binary.LittleEndian.Uint32(v[1:]), newest: binary.LittleEndian.Uint64(v[5:]), last: binary.LittleEndian.Uint64(v[13:]),
		}
		return n, takeName(c.Dir)
	case err == nil && len(v) == legacySize:
		if err := takeOverLegacy(c, binary.LittleEndian.Uint32(v)); err != nil {
			return note{}, err
		}
	case err == nil:
		return note{}, integrity.Damaged("journal: the note about it has %d bytes, and this version knows none of them", len(v))
	}
	n := note{seed: rand.Uint32()}
	if err := create(c.Dir, c.size, n.seed); err != nil {
		return note{}, err
	}
	if err := c.Stable.Set(noteKey, n.encode()); err != nil {
		return note{}, fmt.Errorf("journal: %w", err)
	}
	return n, takeName(c.Dir)
}

// made ends the names of segments that do not count yet.
const made = ".new"

// takeName gives new segments their names.
func takeName(dir string) error {
	renamed := false
	for _, path := range paths(dir) {
		switch err := os.Rename(path+made, path); {
		case err == nil:
			renamed = true
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("journal: %w", err)
		}
	}
	if !renamed {
		return nil
	}
	return syncDir(dir)
}
