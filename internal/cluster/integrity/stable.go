package integrity

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"sync"

	"github.com/hashicorp/raft"
)

// stableKey is where the record of all stable values is kept.
const stableKey = "stable"

// legacyKeys were kept one by one, without a checksum, by earlier versions.
var legacyKeys = []string{"CurrentTerm", "LastVoteTerm", "LastVoteCand", "journal"}

// moved is in the place of a legacy value that is in the record now. Should the
// record ever be missing, the old value is not taken for the current one. (An
// earlier version of the service fails on it: it is too short for a number.)
var moved = []byte("moved")

// errNotFound has the text by which Raft knows it.
var errNotFound = errors.New("not found")

// Stable is a stable store that keeps all its values as one record with a
// checksum: a flipped bit in a value or in a key is found, and so is a value
// that is gone. Values are read from memory.
type Stable struct {
	store  raft.StableStore
	mu     sync.Mutex
	values map[string][]byte
}

// OpenStable opens the record in the store, or makes it from the values of an
// earlier version. empty says that the node has neither log nor snapshots, so
// that no term need be there.
func OpenStable(store raft.StableStore, empty bool) (*Stable, error) {
	s := &Stable{store: store, values: map[string][]byte{}}
	b, err := get(store, stableKey)
	if err != nil {
		return nil, err
	}
	if b != nil {
		s.values, err = decodeStable(b)
	} else {
		err = s.takeOver(empty)
	}
	if err == nil {
		err = s.markMoved()
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// takeOver makes the record from the values of an earlier version.
func (s *Stable) takeOver(empty bool) error {
	for _, key := range legacyKeys {
		v, err := get(s.store, key)
		switch {
		case err != nil:
			return err
		case string(v) == string(moved):
			return Damaged("the record of term and vote is missing")
		case v != nil:
			s.values[key] = v
		}
	}
	if s.values["CurrentTerm"] == nil && !empty {
		return Damaged("the log has entries, and the current term is missing")
	}
	return s.store.Set([]byte(stableKey), encodeStable(s.values))
}

// markMoved puts moved in the place of legacy values. It is done again after a
// crash in its middle.
func (s *Stable) markMoved() error {
	for _, key := range legacyKeys {
		v, err := get(s.store, key)
		if err != nil {
			return err
		}
		if string(v) == string(moved) || v == nil && key != "CurrentTerm" {
			continue
		}
		if err := s.store.Set([]byte(key), moved); err != nil {
			return err
		}
	}
	return nil
}

// get returns nil for a value that is not there.
func get(store raft.StableStore, key string) ([]byte, error) {
	v, err := store.Get([]byte(key))
	if err != nil && err.Error() != errNotFound.Error() {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	if err != nil || len(v) == 0 {
		return nil, nil
	}
	return v, nil
}

// Get returns the value, which the caller does not change.
func (s *Stable) Get(key []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[string(key)]
	if !ok {
		return nil, errNotFound
	}
	return v, nil
}

// Set stores the value; it is durable when Set returns.
func (s *Stable) Set(key, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	values := maps.Clone(s.values)
	values[string(key)] = slices.Clone(value)
	if err := s.store.Set([]byte(stableKey), encodeStable(values)); err != nil {
		return err
	}
	s.values = values
	return nil
}

// GetUint64 returns a number, 0 with an error when there is none.
func (s *Stable) GetUint64(key []byte) (uint64, error) {
	v, err := s.Get(key)
	switch {
	case err != nil:
		return 0, err
	case len(v) != 8:
		return 0, Damaged("stable value %s has %d bytes instead of 8", key, len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}

// SetUint64 stores a number.
func (s *Stable) SetUint64(key []byte, value uint64) error {
	return s.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

// The record is its version, each key and value behind its length, in the order
// of the keys, and the checksum of all that.
const stableVersion = 1

func encodeStable(values map[string][]byte) []byte {
	b := []byte{stableVersion}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		for _, part := range [][]byte{[]byte(key), values[key]} {
			b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
			b = append(b, part...)
		}
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func decodeStable(b []byte) (map[string][]byte, error) {
	if len(b) < 5 || crc32.Checksum(b[:len(b)-4], castagnoli) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return nil, Damaged("the record of term and vote does not match its checksum")
	}
	if b[0] != stableVersion {
		return nil, fmt.Errorf("the record of term and vote has version %d; this node knows version %d", b[0], stableVersion)
	}
	values := map[string][]byte{}
	for rest := b[1 : len(b)-4]; len(rest) > 0; {
		var key, value []byte
		for _, part := range []*[]byte{&key, &value} {
			if len(rest) < 4 || uint64(len(rest)-4) < uint64(binary.BigEndian.Uint32(rest)) {
				return nil, Damaged("the record of term and vote ends early")
			}
			n := binary.BigEndian.Uint32(rest)
			*part, rest = rest[4:4+n], rest[4+n:]
		}
		values[string(key)] = value
	}
	return values, nil
}
