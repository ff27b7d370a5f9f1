package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// account is the user and the group that an instance's command runs as. It is
// part of the record: a node that is configured otherwise changes nothing of a
// machine that exists.
type account struct {
	UID int `json:"uid"`
	GID int `json:"gid"`
}

// parseAccount reads "user", "user:group", or ids in place of names; without a
// group it is the user's own. Empty: nil, the command runs as asserver does.
func parseAccount(text string) (*account, error) {
	if text == "" {
		return nil, nil
	}
	name, group, named := strings.Cut(text, ":")
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.LookupId(name); err != nil {
			return nil, fmt.Errorf("run-as: user %q does not exist on this host", name)
		}
	}
	gid := u.Gid
	if named {
		g, err := user.LookupGroup(group)
		if err != nil {
			if g, err = user.LookupGroupId(group); err != nil {
				return nil, fmt.Errorf("run-as: group %q does not exist on this host", group)
			}
		}
		gid = g.Gid
	}
	var a account
	if a.UID, err = strconv.Atoi(u.Uid); err != nil {
		return nil, fmt.Errorf("run-as: %w", err)
	}
	if a.GID, err = strconv.Atoi(gid); err != nil {
		return nil, fmt.Errorf("run-as: %w", err)
	}
	if os.Geteuid() != 0 && (a.UID != os.Geteuid() || a.GID != os.Getegid()) {
		return nil, fmt.Errorf("run-as: asserver is not root and cannot run instances as user %q", name)
	}
	return &a, nil
}

// openTo lets the account reach the instance's working directory, which it owns,
// and nothing else below the provider's directory.
func (a *account) openTo(p paths, instance string) error {
	if a == nil {
		return nil
	}
	for _, dir := range []string{string(p), p.instance(instance)} {
		if err := os.Chmod(dir, 0o711); err != nil {
			return fmt.Errorf("let the instance's user pass: %w", err)
		}
	}
	err := os.Chown(p.instance(instance, workFile), a.UID, a.GID)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("give the working directory to user %d: %w", a.UID, err)
	}
	return err
}

// become drops every right that the account does not have, for good: it has no
// supplementary groups, and no program that it executes gains any. The thread
// stays locked: the last of these calls is about one thread, the one that execs.
func (a *account) become() error {
	if a == nil {
		return nil
	}
	runtime.LockOSThread()
	if os.Geteuid() == 0 {
		if err := unix.Setgroups(nil); err != nil {
			return fmt.Errorf("leave all groups: %w", err)
		}
	}
	if err := unix.Setresgid(a.GID, a.GID, a.GID); err != nil {
		return fmt.Errorf("become group %d: %w", a.GID, err)
	}
	if err := unix.Setresuid(a.UID, a.UID, a.UID); err != nil {
		return fmt.Errorf("become user %d: %w", a.UID, err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up further privileges: %w", err)
	}
	return nil
}
