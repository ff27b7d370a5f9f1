package process

import (
	"bytes"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/asctl/as/internal/providers"
)

// checkOwner refuses a process that was never an instance unless it runs as the
// user that instances run as: run-as, else asserver's own. Permission to signal it
// is not enough, since root may signal all of them.
func (p *Provider) checkOwner(pid int) error {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return noMachine("no process %d runs on this host", pid)
	}
	user := os.Geteuid()
	if p.runAs != nil {
		user = p.runAs.UID
	}
	if !runsAs(status, user) {
		return providers.Errorf(providers.Unauthorized,
			"process %d is another user's: instances of this node run as user %d, and only processes of that user can be attached", pid, user)
	}
	if user != 0 {
		return nil
	}
	if service := serviceOf(pid); service != "" && service != serviceOf(os.Getpid()) {
		return providers.Errorf(providers.Unauthorized,
			"process %d belongs to the system service %s: as root only processes outside services can be attached; set run-as, or run the process elsewhere", pid, service)
	}
	return nil
}

// runsAs reports whether all user ids in the text of /proc/PID/status, the real,
// effective, saved and file system's, are the user.
func runsAs(status []byte, user int) bool {
	want := strconv.Itoa(user)
	for line := range bytes.Lines(status) {
		text, ok := bytes.CutPrefix(line, []byte("Uid:"))
		if !ok {
			continue
		}
		ids := strings.Fields(string(text))
		for _, id := range ids {
			if id != want {
				return false
			}
		}
		return len(ids) == 4
	}
	return false
}

// serviceOf returns the service that the process is part of, by its control
// group; empty: none that can be seen.
func serviceOf(pid int) string {
	content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return ""
	}
	return serviceIn(content)
}

// serviceIn returns the innermost service in the text of /proc/PID/cgroup.
func serviceIn(cgroups []byte) string {
	for line := range bytes.Lines(cgroups) {
		parts := strings.SplitN(strings.TrimSpace(string(line)), ":", 3) // hierarchy:controllers:path
		if len(parts) != 3 {
			continue
		}
		for dir := parts[2]; dir != "/" && dir != "." && dir != ""; dir = path.Dir(dir) {
			if strings.HasSuffix(dir, ".service") {
				return path.Base(dir)
			}
		}
	}
	return ""
}
