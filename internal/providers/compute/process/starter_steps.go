package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

// errTaken: another starter was first. Its record says the rest.
var errTaken = providers.Errorf(providers.UnknownOutcome, "another starter was first")

// closeOnExec keeps everything but the standard descriptors from the command:
// the report, and what asserver inherited from its own parent, where a pipe
// held open for as long as an instance lives would keep somebody waiting.
func closeOnExec() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("list open files: %w", err)
	}
	for _, entry := range entries {
		if descriptor, err := strconv.Atoi(entry.Name()); err == nil && descriptor > unix.Stderr {
			unix.CloseOnExec(descriptor)
		}
	}
	return nil
}

// lock takes the instance's lock, or finds that it is not needed any more.
func (s starter) lock() (*os.File, error) {
	file, err := os.OpenFile(s.paths.instance(s.instance, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, removedError(s.instance)
	}
	if err != nil {
		return nil, asFailed(err, "start %s", s.instance)
	}
	ctx, cancel := context.WithTimeout(context.Background(), starterPatience)
	defer cancel()
	for {
		if ok, err := tryLock(file); err != nil {
			return nil, asFailed(err, "start %s", s.instance)
		} else if ok {
			return file, nil
		}
		if r, err := readRun(s.paths, s.instance); err == nil && r != nil {
			return nil, errTaken
		}
		if err := pause(ctx, time.Millisecond); err != nil {
			return nil, providers.Errorf(providers.Unavailable, "start %s: its lock is held by others", s.instance)
		}
	}
}

// permission reads, under the lock, whether the start is still wanted. Who
// forbids it writes the record first and takes the lock then: either we see the
// ban here, or they see our process.
func (s starter) permission() (record, error) {
	var r record
	found, err := readJSON(s.paths.instance(s.instance, recordFile), &r)
	switch {
	case err != nil:
		return record{}, asFailed(err, "start %s", s.instance)
	case !found, !r.live():
		return record{}, removedError(s.instance)
	case r.Incarnation != s.incarnation, r.Epoch > s.epoch:
		return record{}, providers.Errorf(providers.StaleEpoch, "start %s: epoch %d has been overtaken by %d", s.instance, s.epoch, r.Epoch)
	case r.Halted:
		return record{}, errTaken
	case len(r.Spec.Command) == 0:
		return record{}, invalid("start %s: no command", s.instance)
	}
	if earlier, err := readRun(s.paths, s.instance); err != nil || earlier != nil {
		return record{}, errTaken
	}
	return r, nil
}

// settle makes the process the instance's own: session, working directory,
// output.
func (s starter) settle() error {
	if session, err := unix.Getsid(0); err != nil || session != os.Getpid() {
		if _, err := unix.Setsid(); err != nil {
			return fmt.Errorf("new session: %w", err)
		}
	}
	output, err := os.OpenFile(s.paths.instance(s.instance, logFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	for _, descriptor := range []int{unix.Stdout, unix.Stderr} {
		if err := unix.Dup3(int(output.Fd()), descriptor, 0); err != nil {
			return fmt.Errorf("redirect the output: %w", err)
		}
	}
	return os.Chdir(s.paths.instance(s.instance, workFile))
}
