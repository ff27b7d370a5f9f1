package sim_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
)

// childDirectory makes this test binary a process that launches machines until
// it is killed, and says each one that is done.
const childDirectory = "SIM_TEST_CHILD_DIRECTORY"

func TestMain(m *testing.M) {
	if directory := os.Getenv(childDirectory); directory != "" {
		launchUntilKilled(directory, os.Getenv("SIM_TEST_CHILD_NAME"))
		return
	}
	os.Exit(m.Run())
}

func launchUntilKilled(directory, name string) {
	c, err := sim.NewCloud(sim.Config{Directory: directory})
	if err != nil {
		panic(err)
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := range 1_000_000 {
				id := fmt.Sprintf("i-%s-%d-%d", name, worker, n)
				f := providers.Fence{Cluster: cluster, Epoch: 1}
				if _, err := c.Ensure(context.Background(), f, spec(id)); err != nil {
					panic(err)
				}
				if _, err := c.Start(context.Background(), f, id); err != nil {
					panic(err)
				}
				fmt.Println(id)
			}
		})
	}
	wg.Wait()
}

// TestKilledProcessesLoseNothingTheyAnswered kills processes that write at full
// speed; what they said was done is there, whole and running.
func TestKilledProcessesLoseNothingTheyAnswered(t *testing.T) {
	directory := t.TempDir()
	var said sync.Map
	var wg sync.WaitGroup
	for round := range 6 {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childDirectory+"="+directory, fmt.Sprintf("SIM_TEST_CHILD_NAME=%d", round))
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Error(err)
				return
			}
			if err := cmd.Start(); err != nil {
				t.Error(err)
				return
			}
			kill := time.AfterFunc(time.Duration(300+50*round)*time.Millisecond, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
			lines := bufio.NewReader(out)
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					break // what was cut off was not said
				}
				said.Store(strings.TrimSpace(line), true)
			}
			_ = cmd.Wait() // killed
		})
	}
	wg.Wait()
	machines := list(t, open(t, sim.Config{Directory: directory}))
	addresses := make(map[string]bool, len(machines))
	for _, m := range machines {
		if addresses[m.Addresses[0]] {
			t.Fatalf("two machines have %s", m.Addresses[0])
		}
		addresses[m.Addresses[0]] = true
	}
	count := 0
	said.Range(func(id, _ any) bool {
		count++
		if machines[id.(string)].State != providers.MachineRunning {
			t.Errorf("%s was answered and is %q", id, machines[id.(string)].State)
		}
		return !t.Failed()
	})
	if count == 0 {
		t.Error("the processes did nothing")
	}
	t.Logf("%d machines of 6 killed processes", count)
}
