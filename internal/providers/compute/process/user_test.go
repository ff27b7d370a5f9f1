package process

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func newNodeAs(t *testing.T, directory, runAs string) *Provider {
	t.Helper()
	p, err := New(Config{Directory: directory, AddressPool: testPool, RunAs: runAs, Logger: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// publicDirectory is one that other users can reach, which t.TempDir is not.
func publicDirectory(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("", "as-run-as-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	if err := os.Chmod(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	directory := filepath.Join(parent, "instances")
	t.Cleanup(func() { killAll(t, directory) })
	return directory
}

func TestInstancesRunAsTheConfiguredUserAndGainNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can run a process as another user")
	}
	directory := publicDirectory(t)
	p := newNodeAs(t, directory, "nobody:nogroup")
	mustRun(t, p, shell(`id -u; id -G; grep -E 'NoNewPrivs|CapEff' /proc/self/status
		touch here && pwd -P && echo "own directory works"
		cat ../machine.json >/dev/null 2>&1 || echo "record is not readable"
		ls .. >/dev/null 2>&1 || echo "instance is not listable"
		ls ../.. >/dev/null 2>&1 || echo "directory is not listable"
		echo ready; sleep 300`))
	awaitLog(t, p, "ready")
	content, err := os.ReadFile(p.paths.instance(testInstance, logFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"65534\n65534\n", "NoNewPrivs:\t1", "CapEff:\t0000000000000000", "own directory works",
		"record is not readable", "instance is not listable", "directory is not listable",
	} {
		if !strings.Contains(string(content), want) {
			t.Errorf("the log does not have %q:\n%s", want, content)
		}
	}
	if err := p.Stop(t.Context(), fenceOf(1), testInstance, 0); err != nil {
		t.Error(err)
	}
	if err := p.Remove(t.Context(), fenceOf(1), testInstance); err != nil {
		t.Error(err)
	}
}

func TestACommandThatItsUserCannotExecuteSaysSo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can run a process as another user")
	}
	directory := publicDirectory(t)
	p := newNodeAs(t, directory, "nobody")
	secret := filepath.Join(filepath.Dir(directory), "secret")
	if err := os.WriteFile(secret, []byte("#!/bin/sh\nsleep 300\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	mustEnsure(t, p, specOf(testInstance, secret))
	_, err := p.Start(t.Context(), fenceOf(1), testInstance)
	if err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("start: %v, want that the user may not execute it", err)
	}
}

func TestRunAsMustExist(t *testing.T) {
	for text, want := range map[string]string{
		"no-such-user":        `user "no-such-user" does not exist`,
		"root:no-such-group":  `group "no-such-group" does not exist`,
		":":                   `user "" does not exist`,
		"nobody:nogroup:more": `group "nogroup:more" does not exist`,
	} {
		_, err := New(Config{Directory: filepath.Join(t.TempDir(), "i"), AddressPool: testPool, RunAs: text})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
