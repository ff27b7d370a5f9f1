package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

// starterArgument is the first argument of this program as a starter.
const starterArgument = "__start-instance"

// reportDescriptor is where the starter says why it did not become the command.
// It closes when it does.
const reportDescriptor = 3

// patience of a starter whose instance is locked by another one. That one
// needs milliseconds from its lock to its record.
const starterPatience = 10 * time.Second

// IsStarter says whether the program was executed to become an instance. Its
// main asks before it does anything else.
func IsStarter(args []string) bool { return len(args) > 1 && args[1] == starterArgument }

// RunStarter becomes the command of the instance that the arguments name. It
// does not return: if it cannot, it reports that to its parent and exits.
func RunStarter(args []string) { os.Exit(runStarter(args, func(string) {})) }

func runStarter(args []string, step func(string)) int {
	s, err := parseStarter(args, step)
	if err == nil {
		err = closeOnExec()
	}
	if err == nil {
		err = s.become()
	}
	// Nobody may be there to read it: the record says what can be said then.
	_ = json.NewEncoder(os.NewFile(reportDescriptor, "report")).Encode(report{
		Class:   providers.ClassOf(err),
		Message: err.Error(),
	})
	return 1
}

// report is what a starter that failed says.
type report struct {
	Class   providers.Class `json:"class"`
	Message string          `json:"message"`
}

// starter is one attempt to become an instance's command. It lives on its own:
// whoever forked it may be dead.
type starter struct {
	paths       paths
	instance    string
	incarnation string
	epoch       uint64
	step        func(string)
}

func (s starter) args() []string {
	return []string{string(s.paths), s.instance, s.incarnation, strconv.FormatUint(s.epoch, 10)}
}

func parseStarter(args []string, step func(string)) (starter, error) {
	if len(args) != 6 {
		return starter{}, fmt.Errorf("a starter takes 4 arguments, got %d", len(args)-2)
	}
	epoch, err := strconv.ParseUint(args[5], 10, 64)
	return starter{paths: paths(args[2]), instance: args[3], incarnation: args[4], epoch: epoch, step: step}, err
}

// become returns only if it failed. The lock is what makes two starters one
// process: who holds it and finds no record writes one and execs, the lock goes
// with the command, and nobody who comes later finds no record.
func (s starter) become() error {
	s.step("starter begun")
	lock, err := s.lock()
	if err != nil {
		return err
	}
	s.step("starter locked")
	r, err := s.permission()
	if err != nil {
		return err
	}
	file, err := findCommand(r.Spec.Command[0], pathVariable(r.Spec))
	if err != nil {
		return invalid("start %s: %w", s.instance, err)
	}
	if err := s.settle(); err != nil {
		return asFailed(err, "start %s", s.instance)
	}
	self, err := ownIdentity()
	if err != nil {
		return asFailed(err, "start %s", s.instance)
	}
	err = writeJSON(s.paths.instance(s.instance, runFile), run{identity: self, Epoch: s.epoch, StartTime: time.Now().UTC()})
	if err != nil {
		return asFailed(err, "start %s", s.instance)
	}
	s.step("starter recorded")
	// From here on the lock's descriptor belongs to the command.
	_, err = unix.FcntlInt(lock.Fd(), unix.F_SETFD, 0)
	if err == nil {
		err = r.RunAs.become()
	}
	if err == nil {
		err = unix.Exec(file, arguments(r.Spec), environment(r.Spec, r.Address))
	}
	runtime.KeepAlive(lock) // a finalizer would have closed it before exec
	message := fmt.Sprintf("cannot execute %s: %v", file, err)
	_ = writeOnce(s.paths.instance(s.instance, exitFile), exit{PID: self.PID, Message: message, Time: time.Now().UTC()})
	return providers.Errorf(execClass(err), "start %s: cannot execute %s: %w", s.instance, file, err)
}

// execClass tells a file that can never be executed from a host that cannot now.
func execClass(err error) providers.Class {
	for _, never := range []error{unix.ENOENT, unix.EACCES, unix.EPERM, unix.ENOEXEC, unix.ENOTDIR, unix.E2BIG, unix.EISDIR} {
		if errors.Is(err, never) {
			return providers.InvalidConfiguration
		}
	}
	return providers.Failed
}

func asFailed(err error, format string, args ...any) error {
	return providers.Errorf(providers.Failed, format+": %w", append(args, err)...)
}
