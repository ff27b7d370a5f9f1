package process

import (
	"context"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

// gates is the number of lock files that instances share. They are apart from
// the instances' directories because those come and go, and a lock on a deleted
// file locks out nobody.
const gates = 64

// gate lets one call at a time, of all nodes, change an instance's records. It
// is held for a few file operations, never while a process starts or ends.
func (p *Provider) gate(ctx context.Context, instance string) (release func(), err error) {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(instance))
	return p.exclude(ctx, fmt.Sprintf("%02d", hash.Sum32()%gates), instance)
}

// adoptionGate lets one call at a time, of all nodes, adopt a machine: it looks at
// the records of all instances. It is taken inside an instance's gate, never the
// other way round.
func (p *Provider) adoptionGate(ctx context.Context, instance string) (release func(), err error) {
	return p.exclude(ctx, "adoption", instance)
}

// exclude takes a lock file for a call about an instance.
func (p *Provider) exclude(ctx context.Context, name, instance string) (release func(), err error) {
	path := p.paths.internal(internalLocks, name)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, providers.Errorf(providers.Unavailable, "lock %s: %w", instance, err)
	}
	for wait := 100 * time.Microsecond; ; wait = min(2*wait, 10*time.Millisecond) {
		ok, err := tryLock(file)
		if err == nil && !ok {
			err = pause(ctx, wait)
		}
		if err != nil {
			_ = file.Close()
			return nil, providers.Errorf(providers.Unavailable, "lock %s: %w", instance, err)
		}
		if ok {
			return func() { unlock(file) }, nil
		}
	}
}

// tryLock is false when somebody else has the lock.
func tryLock(file *os.File) (bool, error) {
	_, err := ignoringEINTR(func() (int, error) { return 0, unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
	if err == unix.EWOULDBLOCK {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("flock %s: %w", filepath.Base(file.Name()), err)
	}
	return true, nil
}

// unlock releases at once, not only when a child that is being forked just now
// has closed its copy.
func unlock(file *os.File) {
	_ = unix.Flock(int(file.Fd()), unix.LOCK_UN)
	_ = file.Close()
}
