package process

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

func adoptOf(instance, machineID string) providers.AdoptSpec {
	return providers.AdoptSpec{Instance: instance, Group: "namespaces/default/groups/web", MachineID: machineID, StopTimeout: time.Second}
}

func mustAdopt(t *testing.T, p *Provider, instance, machineID string) providers.Machine {
	t.Helper()
	m, err := p.Adopt(t.Context(), fenceOf(1), adoptOf(instance, machineID))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func mustRelease(t *testing.T, p *Provider, instance string) {
	t.Helper()
	if err := p.Release(t.Context(), fenceOf(1), instance); err != nil {
		t.Fatal(err)
	}
}

func wantRefused(t *testing.T, p *Provider, machineID string, class providers.Class, says string) {
	t.Helper()
	_, inspected := p.Inspect(t.Context(), machineID)
	_, adopted := p.Adopt(t.Context(), fenceOf(1), adoptOf("i-refused", machineID))
	for _, err := range []error{inspected, adopted} {
		if providers.ClassOf(err) != class || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("%s: error %v, want %s that says %q", machineID, err, class, says)
		}
	}
}

// What a process may be that is adopted, and what not.
func TestWhichProcessesCanBeAdopted(t *testing.T) {
	p := newNode(t, newDirectory(t))
	free := outsider(t)
	pid := free.command.Process.Pid
	ours := mustRun(t, p, shell("sleep 300 & exec sleep 300"))
	var child int
	waitUntil(t, "a child", func() bool {
		_ = processes(func(s procStat) {
			if s.session == pidOf(t, p, testInstance) && s.pid != s.session {
				child = s.pid
			}
		})
		return child != 0
	})
	another := outsiderOf(t, listener(os.Args[0])) // the program that this process runs, too
	dead := outsider(t)
	_ = dead.command.Process.Kill()
	waitUntil(t, "its end", func() bool { return !runs(p, dead.id) })

	wantRefused(t, p, fmt.Sprintf("%d@not-an-address", pid), providers.NotFound, "PID@ADDRESS")
	wantRefused(t, p, fmt.Sprintf("%d@0.0.0.0", pid), providers.NotFound, "not the address of a machine")
	wantRefused(t, p, fmt.Sprintf("%d@192.0.2.1", pid), providers.NotFound, "not an address of this host")
	wantRefused(t, p, fmt.Sprintf("%d@%s", pid, ours.Addresses[0]), providers.Conflict, "is machine "+testInstance)
	wantRefused(t, p, dead.id, providers.NotFound, "no process")
	wantRefused(t, p, "1@127.0.0.1", providers.Unauthorized, "belongs to the host")
	wantRefused(t, p, fmt.Sprintf("%d@127.0.0.1", os.Getpid()), providers.Unauthorized, "asserver itself")
	wantRefused(t, p, another.id, providers.Unauthorized, "asserver itself")
	wantRefused(t, p, fmt.Sprintf("%d@127.0.0.1", child), providers.Conflict, "in its session")
	wantRefused(t, p, "i-00000000000000099", providers.NotFound, "no machine")
	// The process of an instance, by its number: that instance.
	m, err := p.Inspect(t.Context(), fmt.Sprintf("%d@127.0.0.1", pidOf(t, p, testInstance)))
	if err != nil || m.ID != testInstance || m.Instance != testInstance {
		t.Errorf("inspected %+v, %v: want %s", m, err, testInstance)
	}
	// The same machine has one name, however it is written.
	if m, err := p.Inspect(t.Context(), fmt.Sprintf("0%d@::ffff:%s", pid, free.address)); err != nil || m.ID != free.id {
		t.Errorf("inspected %+v, %v: want %s", m, err, free.id)
	}
}

// A node that runs still, after its file was replaced, is a node.
func TestAProgramIsKnownByThePathThatItWasStartedFrom(t *testing.T) {
	path := t.TempDir() + "/asserver"
	if out, err := exec.Command("cp", os.Args[0], path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	o := outsiderOf(t, listener(path))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if is, err := program(strconv.Itoa(o.command.Process.Pid)); err != nil || is != path {
		t.Errorf("it runs %s, %v: want %s", is, err, path)
	}
}

// A number that was given to another process meanwhile is not the machine.
func TestAReusedNumberIsAnotherProcess(t *testing.T) {
	p := newNode(t, newDirectory(t))
	o := outsider(t)
	mustAdopt(t, p, testInstance, o.id)
	var r run
	if _, err := readJSON(p.paths.instance(testInstance, runFile), &r); err != nil {
		t.Fatal(err)
	}
	r.Ticks-- // as if the process of this number had begun at another time
	if err := writeJSON(p.paths.instance(testInstance, runFile), r); err != nil {
		t.Fatal(err)
	}
	if m := mustList(t, p)[0]; m.State != providers.MachineStopped {
		t.Errorf("machine %+v, want it stopped", m)
	}
	if err := p.Stop(t.Context(), fenceOf(1), testInstance, time.Second); err != nil {
		t.Fatal(err)
	}
	if err := p.Remove(t.Context(), fenceOf(1), testInstance); err != nil {
		t.Fatal(err)
	}
	if !runs(p, o.id) {
		t.Error("another process was ended")
	}
	spec := adoptOf("i-second", o.id)
	m, err := p.Inspect(t.Context(), o.id)
	if err != nil {
		t.Fatal(err)
	}
	spec.CreateTime = m.CreateTime.Add(-time.Minute)
	if _, err := p.Adopt(t.Context(), fenceOf(1), spec); providers.ClassOf(err) != providers.NotFound {
		t.Errorf("adopted although it is another process by now: %v", err)
	}
}

// Adopt, then end: the process alone where it leads nothing, all that it leads
// where it does.
func TestStopOfAnAdoptedProcess(t *testing.T) {
	for name, o := range map[string]outside{"that leads nothing": outsider(t), "that leads a session": leader(t)} {
		t.Run(name, func(t *testing.T) {
			p := newNode(t, newDirectory(t))
			mustAdopt(t, p, testInstance, o.id)
			pid := o.command.Process.Pid
			bystanders := 0
			_ = processes(func(s procStat) {
				if s.group == unix.Getpgrp() {
					bystanders++
				}
			})
			if err := p.Stop(t.Context(), fenceOf(1), testInstance, 5*time.Second); err != nil {
				t.Fatal(err)
			}
			if m := mustList(t, p)[0]; m.State != providers.MachineStopped || m.Message == "" {
				t.Errorf("machine %+v, want it stopped", m)
			}
			_ = processes(func(s procStat) {
				if (s.pid == pid || s.session == pid || s.group == pid) && !s.dead() {
					t.Errorf("process %d is left", s.pid)
				}
				if s.group == unix.Getpgrp() {
					bystanders--
				}
			})
			if bystanders > 1 { // itself
				t.Errorf("%d processes beside it were ended, too", bystanders-1)
			}
			if err := p.Remove(t.Context(), fenceOf(1), testInstance); err != nil {
				t.Fatal(err)
			}
			if taken := reservations(t, p); len(taken) != 0 {
				t.Errorf("addresses %v are still reserved", taken)
			}
		})
	}
}

func TestAStubbornAdoptedProcessIsKilled(t *testing.T) {
	p := newNode(t, newDirectory(t))
	o := outsiderOf(t, exec.Command("sh", "-c", `trap "" TERM; while :; do sleep 0.05; done`))
	<-time.After(50 * time.Millisecond) // until it has its trap
	mustAdopt(t, p, testInstance, o.id)
	if err := p.Stop(t.Context(), fenceOf(1), testInstance, 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if runs(p, o.id) {
		t.Error("it still runs")
	}
}

// The entry of a released machine stays as long as the machine, with its address
// and working directory, or as long as the instance that adopted it; not longer.
func TestEntryOfAReleasedMachine(t *testing.T) {
	p := newNode(t, newDirectory(t))
	m := mustRun(t, p, shell("while :; do echo alive > alive; sleep 0.02; done"))
	mustRelease(t, p, testInstance)
	work := p.paths.instance(testInstance, workFile, "alive")
	_ = os.Remove(work)
	waitUntil(t, "it to go on in its directory", func() bool { _, err := os.Stat(work); return err == nil })
	wantEntry := func(want bool) {
		t.Helper()
		age(t, p.paths.instance(testInstance), 2*leavingsAge)
		sweepNow(t, p)
		taken := reservations(t, p)
		_, err := os.Stat(p.paths.instance(testInstance))
		if there := err == nil; there != want || (len(taken) == 1) != want {
			t.Fatalf("entry there: %t, addresses %v: want %t", there, taken, want)
		}
	}
	wantEntry(true)
	mustAdopt(t, p, "i-heir", m.ID)
	pid := pidOf(t, p, testInstance)
	_ = unix.Kill(-pid, unix.SIGKILL)
	waitUntil(t, "the end", func() bool {
		m := mustList(t, p)[0]
		return m.State == providers.MachineStopped && m.Message == "signal: killed"
	})
	wantEntry(true)
	if err := p.Remove(t.Context(), fenceOf(1), "i-heir"); err != nil {
		t.Fatal(err)
	}
	wantEntry(false)
	if _, err := p.Ensure(t.Context(), fenceOf(2), sleeper(testInstance)); providers.ClassOf(err) != providers.StaleEpoch {
		t.Errorf("ensure after release and end: %v", err)
	}
}

func TestEntryOfAReleasedOutsider(t *testing.T) {
	p := newNode(t, newDirectory(t))
	o := outsider(t)
	mustAdopt(t, p, testInstance, o.id)
	mustRelease(t, p, testInstance)
	sweepNow(t, p)
	if taken := reservations(t, p); len(taken) != 1 || taken[0] != o.address {
		t.Errorf("addresses %v are reserved, want %s", taken, o.address)
	}
	other := outsider(t)
	wantRefused(t, p, fmt.Sprintf("%d@%s", other.command.Process.Pid, o.address), providers.Conflict, "is machine "+o.id)
	wantRefused(t, p, fmt.Sprintf("%d@%s", o.command.Process.Pid, other.address), providers.Conflict, "with address "+o.address)
	_ = o.command.Process.Kill()
	waitUntil(t, "its end", func() bool { return !runs(p, o.id) })
	sweepNow(t, p)
	if taken := reservations(t, p); len(taken) != 0 {
		t.Errorf("addresses %v are reserved by nobody", taken)
	}
}

func TestUsageOfAdoptedProcesses(t *testing.T) {
	p := newNode(t, newDirectory(t))
	alone := outsiderOf(t, exec.Command("sh", "-c", "while :; do :; done"))
	mustAdopt(t, p, testInstance, alone.id)
	mustAdopt(t, p, "i-idle", leader(t).id)
	usage(t, p)
	waitUntil(t, "a rate", func() bool {
		<-time.After(150 * time.Millisecond)
		return usage(t, p)[testInstance].CPUPercent > 10
	})
	if all := usage(t, p); len(all) != 2 || all["i-idle"].CPUPercent > 10 || all["i-idle"].MemoryPercent <= 0 {
		t.Errorf("usage %+v", all)
	}
}

func TestAdoptIsFinishedByAnotherNode(t *testing.T) {
	for _, step := range []string{"adopt admitted", "adopt identified", "adopt reserved", "adopt recorded"} {
		t.Run(step, func(t *testing.T) {
			directory := newDirectory(t)
			o := outsider(t)
			t.Setenv("TEST_MACHINE", o.id)
			dyingNode(t, step, "adopt", directory)
			p := newNode(t, directory)
			if got := len(mustList(t, p)); (step == "adopt recorded") != (got == 1) {
				t.Errorf("%d machines", got)
			}
			if m := mustAdopt(t, p, testInstance, o.id); m.State != providers.MachineRunning || m.Addresses[0] != o.address {
				t.Errorf("adopted %+v", m)
			}
			if taken := reservations(t, p); len(taken) != 1 || taken[0] != o.address {
				t.Errorf("addresses %v are reserved, want %s", taken, o.address)
			}
		})
	}
}

// The instance is given up instead: nothing is left of it but the process.
func TestAdoptThatWasCutShortIsReleased(t *testing.T) {
	for _, step := range []string{"adopt admitted", "adopt identified", "adopt reserved", "adopt recorded"} {
		t.Run(step, func(t *testing.T) {
			directory := newDirectory(t)
			o := outsider(t)
			t.Setenv("TEST_MACHINE", o.id)
			dyingNode(t, step, "adopt", directory)
			p := newNode(t, directory)
			if err := p.Release(t.Context(), fenceOf(2), testInstance); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Adopt(t.Context(), fenceOf(3), adoptOf(testInstance, o.id)); providers.ClassOf(err) != providers.StaleEpoch {
				t.Errorf("adopt after release: %v", err)
			}
			sweepNow(t, p)
			mustAdopt(t, p, "i-second", o.id)
			if len(mustList(t, p)) != 1 || !runs(p, o.id) {
				t.Errorf("machines %+v", mustList(t, p))
			}
		})
	}
}

func TestReleaseIsFinishedByAnotherNode(t *testing.T) {
	for _, step := range []string{"release admitted", "release recorded"} {
		t.Run(step, func(t *testing.T) {
			directory := newDirectory(t)
			p := newNode(t, directory)
			mustRun(t, p, sleeper(testInstance))
			dyingNode(t, step, "release", directory)
			if listed := len(mustList(t, p)) == 1; listed != (step == "release admitted") {
				t.Errorf("listed: %t", listed)
			}
			if err := p.Release(t.Context(), fenceOf(2), testInstance); err != nil {
				t.Fatal(err)
			}
			if err := p.Remove(t.Context(), fenceOf(2), testInstance); err != nil {
				t.Fatal(err)
			}
			if m, err := p.Inspect(t.Context(), testInstance); err != nil || m.State != providers.MachineRunning || m.Instance != "" {
				t.Errorf("machine %+v, %v: want it running, and nobody's", m, err)
			}
		})
	}
}
