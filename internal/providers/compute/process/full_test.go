package process

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/asctl/as/internal/providers"
)

// newFullableDirectory is a directory on a small file system of its own.
func newFullableDirectory(t *testing.T) string {
	t.Helper()
	mount := t.TempDir()
	if err := unix.Mount("none", mount, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("a small file system cannot be mounted (root is needed): %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(mount, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	directory := filepath.Join(mount, "instances")
	t.Cleanup(func() { killAll(t, directory) })
	return directory
}

// fillUp leaves not one block free.
func fillUp(t *testing.T, directory string) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(filepath.Dir(directory), "filler"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for block := make([]byte, 4096); ; {
		if _, err := file.Write(block); errors.Is(err, unix.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// chatty fills the disk with its log and goes on.
func chatty() providers.MachineSpec {
	return shell(`trap '' TERM; echo ready; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done 2>/dev/null`)
}

func TestAnInstanceThatFillsTheDiskIsStoppedAndRemoved(t *testing.T) {
	directory := newFullableDirectory(t)
	p := newNode(t, directory)
	mustRun(t, p, chatty())
	waitUntil(t, "the disk to be full", func() bool {
		var s unix.Statfs_t
		return unix.Statfs(directory, &s) == nil && s.Bfree == 0
	})
	if err := p.Stop(t.Context(), fenceOf(2), testInstance, 50*time.Millisecond); err != nil {
		t.Fatalf("stop: %v", err)
	}
	if pids := inside(directory); len(pids) > 0 {
		t.Fatalf("processes %v run after stop", pids)
	}
	if err := p.Remove(t.Context(), fenceOf(2), testInstance); err != nil {
		t.Fatalf("remove: %v", err)
	}
	var s unix.Statfs_t
	if err := unix.Statfs(directory, &s); err != nil || s.Bfree < s.Blocks/2 {
		t.Errorf("%d of %d blocks are free after the removal: %v", s.Bfree, s.Blocks, err)
	}
	if _, err := p.Ensure(t.Context(), fenceOf(2), chatty()); providers.ClassOf(err) != providers.StaleEpoch {
		t.Errorf("ensure after remove: %v, want that it was removed", err)
	}
}

func TestOthersEndWhileTheDiskIsFull(t *testing.T) {
	for name, command := range map[string][]string{"polite": {"sleep", "300"}, "not started": nil} {
		t.Run(name, func(t *testing.T) {
			directory := newFullableDirectory(t)
			p := newNode(t, directory)
			if command == nil {
				mustEnsure(t, p, sleeper(testInstance))
			} else {
				mustRun(t, p, specOf(testInstance, command...))
			}
			fillUp(t, directory)
			if err := p.Stop(t.Context(), fenceOf(7), testInstance, time.Second); err != nil {
				t.Fatalf("stop: %v", err)
			}
			fillUp(t, directory)
			if err := p.Remove(t.Context(), fenceOf(8), testInstance); err != nil {
				t.Fatalf("remove: %v", err)
			}
			if l := mustList(t, p); len(l) > 0 {
				t.Errorf("listed after remove: %v", l)
			}
			// The tombstone keeps the epoch, as ever.
			if err := p.Remove(t.Context(), fenceOf(3), testInstance); providers.ClassOf(err) != providers.StaleEpoch {
				t.Errorf("remove by an earlier epoch: %v", err)
			}
			if err := p.Remove(t.Context(), fenceOf(9), testInstance); err != nil {
				t.Errorf("remove by a later epoch: %v", err)
			}
		})
	}
}

func TestARecordIsOverwrittenByAShorterOneOnAFullDisk(t *testing.T) {
	directory := newFullableDirectory(t)
	if err := os.MkdirAll(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(directory, "file")
	long, short := map[string]string{"text": "a long text, longer than the next"}, map[string]string{"text": "short"}
	if err := writeJSON(path, long); err != nil {
		t.Fatal(err)
	}
	fillUp(t, directory)
	for _, value := range []map[string]string{short, long, short} {
		if err := writeJSON(path, value); err != nil {
			t.Fatal(err)
		}
		var got map[string]string
		if found, err := readJSON(path, &got); err != nil || !found || got["text"] != value["text"] {
			t.Errorf("read %v %v %v, want %v", got, found, err, value)
		}
	}
	if err := writeJSON(path+"-new", short); !isFull(err) {
		t.Errorf("a new file on a full disk: %v, want ENOSPC", err)
	}
}
