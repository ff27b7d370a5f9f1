package process

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

// sweepNow lists with a sweep due.
func sweepNow(t *testing.T, p *Provider) {
	t.Helper()
	p.sweeps = sweepClock{}
	mustList(t, p)
}

func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func TestLastOutputIsKeptAfterRemoval(t *testing.T) {
	p := newNode(t, newDirectory(t))
	mustRun(t, p, shell("echo last words; exec sleep 300"))
	awaitLog(t, p, "last words")
	if err := p.Remove(t.Context(), fenceOf(1), testInstance); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(p.paths.oldLog(testInstance))
	if err != nil || string(content) != "last words\n" {
		t.Errorf("kept %q, %v", content, err)
	}
	sweepNow(t, p)
	if _, err := os.Stat(p.paths.oldLog(testInstance)); err != nil {
		t.Error(err)
	}
	age(t, p.paths.oldLog(testInstance), oldLogAge+time.Minute)
	sweepNow(t, p)
	if _, err := os.Stat(p.paths.oldLog(testInstance)); err == nil {
		t.Error("an old log is kept for ever")
	}
}

func TestOldestLogsGoFirst(t *testing.T) {
	p := newNode(t, newDirectory(t))
	for i := range oldLogs + 5 {
		path := p.paths.oldLog(fmt.Sprintf("i-%d", i))
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		age(t, path, time.Duration(i)*time.Second)
	}
	sweepNow(t, p)
	entries, _ := os.ReadDir(p.paths.internal(internalLogs))
	if len(entries) != oldLogs {
		t.Errorf("%d logs are kept, want %d", len(entries), oldLogs)
	}
	if _, err := os.Stat(p.paths.oldLog("i-0")); err != nil {
		t.Error("the newest is gone")
	}
}

func TestTombstoneLastsADay(t *testing.T) {
	p := newNode(t, newDirectory(t))
	mustEnsure(t, p, sleeper(testInstance))
	if err := p.Remove(t.Context(), fenceOf(1), testInstance); err != nil {
		t.Fatal(err)
	}
	age(t, p.paths.tombstone(testInstance), tombstoneAge-time.Minute)
	sweepNow(t, p)
	if _, err := p.Ensure(t.Context(), fenceOf(2), sleeper(testInstance)); providers.ClassOf(err) != providers.StaleEpoch {
		t.Errorf("error %v, want it removed", err)
	}
	age(t, p.paths.tombstone(testInstance), tombstoneAge+time.Minute)
	sweepNow(t, p)
	if entries, _ := os.ReadDir(p.paths.internal(internalRemoved)); len(entries) != 0 {
		t.Error("a tombstone is kept for ever")
	}
}

func TestSweepClearsWhatWasCutShort(t *testing.T) {
	directory := newDirectory(t)
	dyingNode(t, "ensure made", "ensure", directory)
	p := newNode(t, directory)
	sweepNow(t, p)
	if _, err := os.Stat(p.paths.instance(testInstance)); err != nil {
		t.Error("cleared at once: its node may be about to go on")
	}
	age(t, p.paths.instance(testInstance), leavingsAge+time.Minute)
	sweepNow(t, p)
	if _, err := os.Stat(p.paths.instance(testInstance)); err == nil {
		t.Error("the directory is still there")
	}
	if taken := reservations(t, p); len(taken) != 0 {
		t.Errorf("addresses %v are still reserved", taken)
	}

	removed := newDirectory(t)
	p = newNode(t, removed)
	mustRun(t, p, sleeper(testInstance))
	dyingNode(t, "remove recorded", "remove", removed)
	sweepNow(t, p)
	if _, err := os.Stat(p.paths.instance(testInstance)); err == nil {
		t.Error("the removal is unfinished")
	}
	if _, err := os.Stat(p.paths.tombstone(testInstance)); err != nil {
		t.Error(err)
	}
}

func TestSweepKeepsWhatIsInUse(t *testing.T) {
	p := newNode(t, newDirectory(t))
	m := mustRun(t, p, sleeper(testInstance))
	mustEnsure(t, p, sleeper("i-created"))
	age(t, p.paths.instance(testInstance), 30*24*time.Hour)
	age(t, p.paths.instance("i-created"), 30*24*time.Hour)
	sweepNow(t, p)
	if all := mustList(t, p); len(all) != 2 || all[0].State != providers.MachineRunning || all[0].Addresses[0] != m.Addresses[0] {
		t.Errorf("listed %+v", all)
	}
	if taken := reservations(t, p); len(taken) != 2 {
		t.Errorf("addresses %v are reserved, want two", taken)
	}
}

func TestLogOfALivingMachineIsBounded(t *testing.T) {
	p := newNode(t, newDirectory(t))
	mustRun(t, p, shell("exec sleep 300"))
	path := p.paths.instance(testInstance, logFile)
	block := []byte(strings.Repeat("0123456789abcde\n", 1<<16))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for range logLimit/len(block) + 1 {
		if _, err := file.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := bound(path); err != nil {
		t.Skipf("this file system cannot cut files: %v", err)
	}
	if _, err := file.WriteString("after\n"); err != nil {
		t.Fatal(err)
	}
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil || stat.Blocks*512 > 2*logKept {
		t.Errorf("the log still takes %d bytes, %v", stat.Blocks*512, err)
	}
	content, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(string(content), "0123456789abcde\nafter\n") {
		t.Errorf("the end of the log is lost: %v", err)
	}
}
