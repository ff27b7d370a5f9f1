package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/google/uuid"

	"github.com/asctl/as/internal/providers"
)

// openStore reads the store's id, or gives the directory one. Nodes that come
// at the same moment agree: the id is linked into place whole, by the first.
func openStore(p paths) (string, error) {
	id, err := readStore(p)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	temporary, err := os.CreateTemp(p.internal(), ".new-store-")
	if err != nil {
		return "", fmt.Errorf("make the store id: %w", err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	_, err = temporary.WriteString(uuid.NewString() + "\n")
	// This one file must outlive a power failure: without it, nothing here can
	// be told from an empty place.
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return "", fmt.Errorf("make the store id: %w", err)
	}
	if err := os.Link(temporary.Name(), p.store()); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make the store id: %w", err)
	}
	return readStore(p)
}

func readStore(p paths) (string, error) {
	content, err := os.ReadFile(p.store())
	if err != nil {
		return "", fmt.Errorf("read the store id: %w", err)
	}
	id := strings.TrimSpace(string(content))
	if err := uuid.Validate(id); err != nil {
		return "", fmt.Errorf("read the store id in %s: %w", p.store(), err)
	}
	return id, nil
}

// checkStore makes sure that the directory is still the one that was opened. A
// directory that was unmounted or emptied knows nothing of our machines, and
// "missing" would be a lie.
func (p *Provider) checkStore() error {
	id, err := readStore(p.paths)
	if err != nil {
		return providers.Errorf(providers.Unavailable, "instance directory %s: %w", string(p.paths), err)
	}
	if id != p.storeID {
		return providers.Errorf(providers.Unavailable,
			"instance directory %s is another store now: %s, was %s", string(p.paths), id, p.storeID)
	}
	return nil
}
