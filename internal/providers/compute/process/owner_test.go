package process

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/asctl/as/internal/providers"
)

// as makes the command run as a user and the group of the same number.
func as(uid uint32, command *exec.Cmd) *exec.Cmd {
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return command
}

// Root may signal every process; that does not make them instances.
func TestOnlyProcessesOfTheInstancesUserCanBeAdopted(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can run a process as another user")
	}
	asRoot := newNode(t, newDirectory(t))
	theirs := outsiderOf(t, as(65534, exec.Command("sleep", "300")))
	wantRefused(t, asRoot, theirs.id, providers.Unauthorized, "is another user's: instances of this node run as user 0")

	asNobody := newNodeAs(t, publicDirectory(t), "nobody:nogroup")
	wantRefused(t, asNobody, outsider(t).id, providers.Unauthorized, "instances of this node run as user 65534")
	other := outsiderOf(t, as(65533, exec.Command("sleep", "300")))
	wantRefused(t, asNobody, other.id, providers.Unauthorized, "instances of this node run as user 65534")
	mustAdopt(t, asNobody, testInstance, theirs.id)
}

func TestRunsAs(t *testing.T) {
	for text, want := range map[string]bool{
		"Name:\tsleep\nUid:\t1000\t1000\t1000\t1000\nGid:\t0\t0\t0\t0\n": true,
		"Uid:\t1000\t0\t0\t0\n":               false, // a program with the set-user-id bit
		"Uid:\t0\t1000\t1000\t1000\n":         false,
		"Uid:\t1000\t1000\t0\t1000\n":         false, // it can become root again
		"Uid:\t0\t0\t0\t0\n":                  false,
		"Uid:\n":                              false,
		"Name:\tUid:\nGid:\t1000\t1000\t1000": false,
		"":                                    false,
	} {
		if got := runsAs([]byte(text), 1000); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}

func TestServiceIn(t *testing.T) {
	for text, want := range map[string]string{
		"0::/system.slice/ssh.service\n":                                     "ssh.service",
		"0::/system.slice/system-getty.slice/getty@tty1.service\n":           "getty@tty1.service",
		"0::/system.slice/web.service/worker\n":                              "web.service",
		"12:cpu:/\n1:name=systemd:/system.slice/cron.service\n0::/\n":        "cron.service",
		"0::/user.slice/user-0.slice/session-3.scope\n":                      "",
		"0::/user.slice/user-0.slice/user@0.service/app.slice/run-1.scope\n": "user@0.service",
		"0::/user.slice/user-0.slice/user@0.service/app.slice/web.service\n": "web.service",
		"0::/\n": "", "": "", "nonsense\n": "", "0::/../../init.scope\n": "", "0::relative\n": "",
	} {
		if got := serviceIn([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
