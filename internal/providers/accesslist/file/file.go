// Package file keeps access lists as text files: <directory>/<list>.txt has one
// line "address # instance name" for each entry and no other lines, sorted. A
// firewall, a proxy or a database reads the file; a reload command may tell it
// that the file changed.
//
// The files are ours alone: what somebody else writes into a list is replaced by
// the next write. Beside a list are <list>.epoch (the epoch and incarnation of
// the leader that wrote last), a lock, and <list>.reload while a reload is due.
package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/asctl/as/internal/providers"
)

// Config says where the lists are and whom to tell.
type Config struct {
	Directory     string
	ReloadCommand []string      // run after a change; empty: none. See ShellCommand
	ReloadTimeout time.Duration // 0: 10 s
}

const defaultReloadTimeout = 10 * time.Second

// ShellCommand is the reload command of a setting that is one string.
func ShellCommand(line string) []string {
	if line == "" {
		return nil
	}
	return []string{"/bin/sh", "-c", line}
}

// Lists implements providers.AccessList. It is safe for concurrent use, and
// nodes of one host may share the directory.
type Lists struct{ config Config }

var _ providers.AccessList = (*Lists)(nil)

// New makes the directory when it is missing.
func New(config Config) (*Lists, error) {
	if config.Directory == "" {
		return nil, errors.New("access list files: directory is not set")
	}
	if config.ReloadTimeout < 0 {
		return nil, fmt.Errorf("access list files: reload-timeout %s is negative", config.ReloadTimeout)
	}
	if config.ReloadTimeout == 0 {
		config.ReloadTimeout = defaultReloadTimeout
	}
	// Others read the files: the directory is open to them.
	if err := os.MkdirAll(config.Directory, 0o755); err != nil {
		return nil, fmt.Errorf("access list files: %w", err)
	}
	return &Lists{config: config}, nil
}

// id is the syntax of ids; no path escapes from it.
var id = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

func (l *Lists) path(list, ending string) string {
	return filepath.Join(l.config.Directory, list+ending)
}

func checkName(list string) error {
	if id.MatchString(list) {
		return nil
	}
	return providers.Errorf(providers.InvalidConfiguration,
		"access list %q: want 1 to 63 lower-case letters, digits and hyphens, a letter first and no hyphen last", list)
}

// CheckList tries to write beside the list. Lists need no declaration.
func (l *Lists) CheckList(ctx context.Context, list string) error {
	if err := checkName(list); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return providers.Errorf(providers.Unavailable, "access list %s not checked: %w", list, context.Cause(ctx))
	}
	stat, err := os.Lstat(l.path(list, ".txt"))
	if err == nil && !stat.Mode().IsRegular() {
		return providers.Errorf(providers.Conflict, "access list %s: %s is not a file", list, l.path(list, ".txt"))
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return providers.Errorf(providers.Unavailable, "access list %s: %w", list, err)
	}
	return l.tryWrite(list)
}

// tryWrite writes some bytes: a full disk lets an empty file be made.
func (l *Lists) tryWrite(list string) error {
	f, err := os.CreateTemp(l.config.Directory, "."+list+".check-*")
	if err == nil {
		_, err = f.Write(make([]byte, 4096))
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return providers.Errorf(providers.Unavailable, "access list %s cannot be written: %w", list, err)
	}
	return nil
}
