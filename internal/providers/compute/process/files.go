package process

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// writeJSON replaces the file as a whole: a reader, or whoever comes after we
// were killed here, finds the old or the new content. It does not wait for the
// disk: what a record says is true for one boot of the host at most.
//
// On a full disk it overwrites the file in the blocks that it has, so that a
// record can say that its instance ends: that is what makes room again. Such a
// write is one system call, which a kill does not split.
func writeJSON(path string, value any) error {
	temporary, err := writeTemporary(path, value)
	if isFull(err) {
		if overwriteJSON(path, value) == nil {
			return nil
		}
	}
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		_ = os.Remove(temporary)
		return fmt.Errorf("replace %s: %w", filepath.Base(path), err)
	}
	return nil
}

// isFull reports whether there was no room: on the disk, or in a quota.
func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// overwriteJSON puts the value in the place of the file's content. Blanks cover
// the rest of a longer one.
func overwriteJSON(path string, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("overwrite %s: %w", filepath.Base(path), err)
	}
	info, err := file.Stat()
	if err == nil {
		rest := max(1, int(info.Size())-len(content))
		_, err = file.WriteAt(append(content, bytes.Repeat([]byte{'\n'}, rest)...), 0)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("overwrite %s: %w", filepath.Base(path), err)
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
