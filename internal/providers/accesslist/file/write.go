package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

// SetEntries makes the file exactly the entries. It compares with what is on
// disk and leaves a file that is right alone, so that repeats are cheap and
// readers that watch it are not woken. A due reload is made up for even then.
func (l *Lists) SetEntries(ctx context.Context, fence providers.Fence, list string, entries []providers.Entry) error {
	if err := checkName(list); err != nil {
		return err
	}
	want, err := content(entries)
	if err != nil {
		return fmt.Errorf("access list %s: %w", list, err)
	}
	unlock, err := l.lock(ctx, list)
	if err != nil {
		return providers.Errorf(providers.Unavailable, "access list %s: %w", list, err)
	}
	defer unlock()
	if err := l.speak(fence, list); err != nil {
		return err
	}
	have, err := os.ReadFile(l.path(list, ".txt"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return providers.Errorf(providers.Unavailable, "access list %s: %w", list, err)
	}
	if err != nil || !bytes.Equal(have, want) {
		if err := l.markReload(list); err != nil {
			return providers.Errorf(providers.Unavailable, "access list %s: %w", list, err)
		}
		if err := replace(l.path(list, ".txt"), want); err != nil {
			return providers.Errorf(providers.UnknownOutcome, "access list %s: %w", list, err)
		}
	}
	return l.reload(ctx, list)
}

// lock takes the list's lock, which dies with its process. It polls, because a
// blocking flock could not be given up; only a reload command or a frozen
// process holds it for long.
func (l *Lists) lock(ctx context.Context, list string) (unlock func(), err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	f, err := os.OpenFile(l.path(list, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for wait := 100 * time.Microsecond; ; wait = min(2*wait, 20*time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil // closing unlocks
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			_ = f.Close() // was not written to
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			_ = f.Close() // was not written to
			return nil, fmt.Errorf("another process holds %s: %w", f.Name(), context.Cause(ctx))
		}
	}
}

// speak refuses a leader that a newer one has spoken after, and remembers this
// one. Epochs of another incarnation or cluster cannot be compared with ours:
// that leader is taken at its word.
func (l *Lists) speak(fence providers.Fence, list string) error {
	path := l.path(list, ".epoch")
	have, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return providers.Errorf(providers.Unavailable, "access list %s: %w", list, err)
	}
	want := fmt.Sprintf("%d %s %s\n", fence.Epoch, fence.Cluster, fence.Incarnation)
	if string(have) == want {
		return nil
	}
	number, rest, _ := strings.Cut(string(have), " ")
	if seen, err := strconv.ParseUint(number, 10, 64); err == nil && strings.HasSuffix(want, " "+rest) && fence.Epoch < seen {
		return providers.Errorf(providers.StaleEpoch, "access list %s: epoch %d is over, a leader of epoch %d has spoken", list, fence.Epoch, seen)
	}
	if err := replace(path, []byte(want)); err != nil {
		return providers.Errorf(providers.Unavailable, "access list %s: %w", list, err)
	}
	return nil
}

// replace puts a new file in the place of the old one in one step that also
// outlives a loss of power. The temporary name is always the same: the lock
// keeps others from it, and what a killed process left is written over.
func replace(path string, content []byte) error {
	next := path + ".new"
	if err := writeSynced(next, content); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return syncDirectory(path)
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
