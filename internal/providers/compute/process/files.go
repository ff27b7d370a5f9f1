package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// writeJSON replaces the file as a whole: a reader, or whoever comes after we
// were killed here, finds the old or the new content. It does not wait for the
// disk: what a record says is true for one boot of the host at most.
func writeJSON(path string, value any) error {
	temporary, err := writeTemporary(path, value)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		_ = os.Remove(temporary)
		return fmt.Errorf("replace %s: %w", filepath.Base(path), err)
	}
	return nil
}

// writeOnce is writeJSON for a file whose first content stays.
func writeOnce(path string, value any) error {
	temporary, err := writeTemporary(path, value)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary) }()
	if err := os.Link(temporary, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make %s: %w", filepath.Base(path), err)
	}
	return nil
}

func writeTemporary(path string, value any) (string, error) {
	content, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".new-"+filepath.Base(path)+"-")
	if err != nil {
		return "", fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	_, err = file.Write(append(content, '\n'))
	if err := errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
		return "", fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return file.Name(), nil
}

// readJSON is false when there is no such file.
func readJSON(path string, value any) (bool, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	if err := json.Unmarshal(content, value); err != nil {
		return false, fmt.Errorf("%w: %s: %w", errCorrupt, path, err)
	}
	return true, nil
}

// errCorrupt marks a file that was read and says nothing: a power failure cut
// it, or a person did.
var errCorrupt = errors.New("unreadable record")
