package process

import (
	"path/filepath"
	"regexp"

	"github.com/asctl/as/internal/providers"
)

// paths is the directory and the names in it:
//
//	.as/store              the store's id
//	.as/locks/NN           gates: one call at a time per instance
//	.as/addresses/A.B.C.D  symbolic link to the name of the instance that has it
//	.as/removed/INSTANCE   tombstone
//	.as/logs/INSTANCE.log  the last output of removed machines
//	.as/trash/…            directories on their way out
//	INSTANCE/lock          held by the starter, then by the command, for life
//	INSTANCE/machine.json  record: what was asked for, by whom
//	INSTANCE/run.json      which process it became
//	INSTANCE/exit.json     how that ended, where somebody saw it
//	INSTANCE/log           standard output and error
//	INSTANCE/work/         working directory
type paths string

const (
	internalDirectory = ".as"
	internalLocks     = "locks"
	internalAddresses = "addresses"
	internalRemoved   = "removed"
	internalLogs      = "logs"
	internalTrash     = "trash"

	recordFile = "machine.json"
	runFile    = "run.json"
	exitFile   = "exit.json"
	lockFile   = "lock"
	logFile    = "log"
	workFile   = "work"
)

func (p paths) internal(names ...string) string {
	return filepath.Join(append([]string{string(p), internalDirectory}, names...)...)
}

func (p paths) instance(instance string, names ...string) string {
	return filepath.Join(append([]string{string(p), instance}, names...)...)
}

func (p paths) store() string { return p.internal("store") }

func (p paths) tombstone(instance string) string { return p.internal(internalRemoved, instance) }

func (p paths) oldLog(instance string) string { return p.internal(internalLogs, instance+".log") }

// instanceName keeps instance ids inside the directory and off our own names.
var instanceName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func checkInstance(instance string) error {
	if !instanceName.MatchString(instance) {
		return providers.Errorf(providers.InvalidConfiguration, "instance id %q is not a name for a process", instance)
	}
	return nil
}
