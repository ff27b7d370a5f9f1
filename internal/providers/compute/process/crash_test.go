package process

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
)

// Each test kills a node (or its starter) at one point and lets another node
// finish by repeating the call, as a new leader does.

func TestEnsureIsFinishedByAnotherNode(t *testing.T) {
	for _, step := range []string{"ensure admitted", "ensure reserved", "ensure made", "ensure recorded"} {
		t.Run(step, func(t *testing.T) {
			directory := newDirectory(t)
			dyingNode(t, step, "ensure", directory)
			p := newNode(t, directory)
			if got := len(mustList(t, p)); step != "ensure recorded" && got != 0 {
				t.Errorf("%d machines before the record was written", got)
			}
			m := mustRun(t, p, sleeper(testInstance))
			if m.State != providers.MachineRunning || len(m.Addresses) != 1 {
				t.Errorf("machine %+v, want it running with one address", m)
			}
			if taken := reservations(t, p); len(taken) != 1 || taken[0] != m.Addresses[0] {
				t.Errorf("addresses %v are reserved, want %v", taken, m.Addresses)
			}
		})
	}
}

func TestStartIsResolvedByAnotherNode(t *testing.T) {
	for _, step := range []string{"start admitted", "start forked"} {
		t.Run(step, func(t *testing.T) {
			directory := newDirectory(t)
			p := newNode(t, directory)
			mustEnsure(t, p, sleeper(testInstance))
			dyingNode(t, step, "start", directory)
			wantOneProcess(t, p, directory)
		})
	}
}

func TestDeathOfTheStarterLeavesNoSecondProcess(t *testing.T) {
	for _, c := range []struct {
		step string
		want providers.MachineState // of a start by another node
	}{
		{"starter begun", providers.MachineRunning},
		{"starter locked", providers.MachineRunning},
		{"starter recorded", providers.MachineStopped}, // it was the instance already
	} {
		t.Run(c.step, func(t *testing.T) {
			directory := newDirectory(t)
			p := newNode(t, directory)
			mustEnsure(t, p, sleeper(testInstance))
			dying := newNode(t, directory)
			dying.starter = dyingStarter(c.step)
			_, err := dying.Start(t.Context(), fenceOf(1), testInstance)
			if c.want == providers.MachineRunning && providers.ClassOf(err) != providers.Failed {
				t.Errorf("error %v, want a failed start", err)
			}
			// A killed process takes a moment to be dead.
			waitUntil(t, "the state after another start", func() bool {
				m, err := p.Start(t.Context(), fenceOf(2), testInstance)
				return err == nil && m.State == c.want
			})
			if got := len(inside(directory)); (c.want == providers.MachineRunning) != (got == 1) {
				t.Errorf("%d processes", got)
			}
		})
	}
}

// The node dies the moment it has forked, and so does its starter: at no point
// may the next leader see one process and have two.
func TestDeathOfNodeAndStarter(t *testing.T) {
	for _, step := range []string{"starter begun", "starter locked"} {
		t.Run(step, func(t *testing.T) {
			directory := newDirectory(t)
			p := newNode(t, directory)
			mustEnsure(t, p, sleeper(testInstance))
			dyingNode(t, "start forked", "start", directory, dyingStarter(step)...)
			wantOneProcess(t, p, directory)
		})
	}
}

// Not at a point that we thought of, but anywhere: between fork and exec, in
// the middle of a file. The delays reach from before a node's first step to
// after its last.
func TestNodeKilledAtAnyMoment(t *testing.T) {
	const rounds = 20
	for round := range rounds {
		directory := newDirectory(t)
		p := newNode(t, directory)
		node := exec.Command(os.Args[0], "node", "nowhere", "run", directory)
		if err := node.Start(); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, "the node to begin", func() bool {
			gates, _ := os.ReadDir(p.paths.internal(internalLocks))
			return len(gates) > 0
		})
		<-time.After(time.Duration(round) * 2 * time.Millisecond)
		_ = node.Process.Kill()
		mustEnsure(t, p, sleeper(testInstance)) // while it dies
		wantOneProcess(t, p, directory)
		_ = node.Wait()
		wantOneProcess(t, p, directory)
	}
}

func wantOneProcess(t *testing.T, p *Provider, directory string) {
	t.Helper()
	m, err := p.Start(t.Context(), fenceOf(2), testInstance)
	if err != nil || m.State != providers.MachineRunning {
		t.Fatalf("machine %+v, error %v: want it running", m, err)
	}
	// Whatever late starter there may be, it finds the lock taken and ends.
	waitUntil(t, "one process", func() bool { return len(inside(directory)) == 1 && idleStarters(directory) == 0 })
	if got := inside(directory); got[0] != pidOf(t, p, testInstance) {
		t.Errorf("process %v runs, %d is recorded", got, pidOf(t, p, testInstance))
	}
}

// A leader that forked a starter and died; its successor stops or removes the
// instance before that starter came to its lock.
func TestLateStarterFindsTheInstanceStopped(t *testing.T) {
	for name, end := range map[string]func(*Provider, *testing.T) error{
		"stop": func(p *Provider, t *testing.T) error {
			return p.Stop(t.Context(), fenceOf(1), testInstance, time.Second)
		},
		"remove": func(p *Provider, t *testing.T) error { return p.Remove(t.Context(), fenceOf(1), testInstance) },
		"newer epoch": func(p *Provider, t *testing.T) error {
			_, err := p.Ensure(t.Context(), fenceOf(2), sleeper(testInstance))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			directory := newDirectory(t)
			p := newNode(t, directory)
			mustEnsure(t, p, sleeper(testInstance))
			if err := end(p, t); err != nil {
				t.Fatal(err)
			}
			_, err := p.fork(t.Context(), starter{paths: p.paths, instance: testInstance, incarnation: "first", epoch: 1})
			if err != nil {
				t.Fatal(err)
			}
			if got := inside(directory); len(got) != 0 {
				t.Errorf("processes %v run", got)
			}
		})
	}
}

func TestStopIsFinishedByAnotherNode(t *testing.T) {
	for _, step := range []string{"stop admitted", "stop signalled"} {
		t.Run(step, func(t *testing.T) {
			directory := newDirectory(t)
			p := newNode(t, directory)
			mustRun(t, p, sleeper(testInstance))
			dyingNode(t, step, "stop", directory)
			if err := p.Stop(t.Context(), fenceOf(2), testInstance, time.Second); err != nil {
				t.Fatal(err)
			}
			if m := mustList(t, p)[0]; m.State != providers.MachineStopped || m.Message != "signal: terminated" {
				t.Errorf("machine %+v, want it stopped by SIGTERM", m)
			}
		})
	}
}

func TestRemoveIsFinishedByAnotherNode(t *testing.T) {
	for _, step := range []string{
		"remove admitted", "remove halted", "remove recorded", "remove buried", "remove freed", "remove logged", "remove moved",
	} {
		t.Run(step, func(t *testing.T) {
			directory := newDirectory(t)
			p := newNode(t, directory)
			mustRun(t, p, sleeper(testInstance))
			dyingNode(t, step, "remove", directory)
			listed := len(mustList(t, p)) == 1
			if want := step == "remove admitted" || step == "remove halted"; listed != want {
				t.Errorf("listed: %t, want %t", listed, want)
			}
			if err := p.Remove(t.Context(), fenceOf(2), testInstance); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Ensure(t.Context(), fenceOf(3), sleeper(testInstance)); providers.ClassOf(err) != providers.StaleEpoch {
				t.Errorf("ensure after remove: %v", err)
			}
			if left := inside(directory); len(left) != 0 {
				t.Errorf("processes %v are left", left)
			}
			if taken := reservations(t, p); len(taken) != 0 {
				t.Errorf("addresses %v are still reserved", taken)
			}
			if _, err := os.Stat(p.paths.instance(testInstance)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the directory is still there: %v", err)
			}
		})
	}
}

func reservations(t *testing.T, p *Provider) []string {
	t.Helper()
	entries, err := os.ReadDir(p.paths.internal(internalAddresses))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, filepath.Base(entry.Name()))
	}
	return names
}
