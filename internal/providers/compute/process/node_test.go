package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"
)

// nodeMain is a node that makes one call and, if it comes by the step, dies of
// SIGKILL there. The rest of its arguments, if any, is its starter.
func nodeMain(step, call, directory string, starter []string) error {
	p, err := New(Config{Directory: directory, AddressPool: testPool, StarterArgv: starter})
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	p.step = dieAt(step)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	switch call {
	case "ensure":
		_, err = p.Ensure(ctx, fenceOf(1), sleeper(testInstance))
	case "start":
		_, err = p.Start(ctx, fenceOf(1), testInstance)
	case "run":
		if _, err = p.Ensure(ctx, fenceOf(1), sleeper(testInstance)); err == nil {
			_, err = p.Start(ctx, fenceOf(1), testInstance)
		}
	case "stop":
		err = p.Stop(ctx, fenceOf(1), testInstance, 5*time.Second)
	case "adopt":
		_, err = p.Adopt(ctx, fenceOf(1), adoptOf(testInstance, os.Getenv("TEST_MACHINE")))
	case "release":
		err = p.Release(ctx, fenceOf(1), testInstance)
	case "remove":
		err = p.Remove(ctx, fenceOf(1), testInstance)
	}
	return err
}

// dyingNode runs a node that is killed at the step of the call, and fails the
// test if it was not.
func dyingNode(t *testing.T, step, call, directory string, starter ...string) {
	t.Helper()
	command := exec.Command(os.Args[0], append([]string{"node", step, call, directory}, starter...)...)
	output, err := command.CombinedOutput()
	var ended *exec.ExitError
	if !errors.As(err, &ended) || !command.ProcessState.Sys().(interface{ Signaled() bool }).Signaled() {
		t.Fatalf("the node was not killed at %q of %s: %v: %s", step, call, err, output)
	}
}

// dyingStarter is a starter that is killed at the step.
func dyingStarter(step string) []string { return []string{os.Args[0], "dying-starter", step} }
