package nemesis_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/asctl/as/test/cluster/nodes"
)

// diskMiB is the size of each node's disk: room for the log, the journal and
// snapshots of a lane, and small enough to be filled quickly.
const diskMiB = 192

// makeDisk makes a file system of its own for a node's data directory, in a file,
// so that it can be filled and frozen. It is gone with the mount namespace.
func (l *lane) makeDisk(dir string) {
	l.Helper()
	image := dir + ".img"
	for _, step := range [][]string{
		{"truncate", "-s", fmt.Sprintf("%dM", diskMiB), image},
		{"mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", image},
		{"mkdir", "-p", dir},
		{"mount", "-o", "loop,noatime", image, dir},
	} {
		if out, err := exec.Command(step[0], step[1:]...).CombinedOutput(); err != nil {
			l.Fatalf("%v: %v: %s", step, err, out)
		}
	}
}

func (l *lane) disk(id string) string { return filepath.Join(l.Dir, "disk-"+id) }

// freeze makes each write to the node's disk wait until thaw.
func (l *lane) freeze(n *nodes.Node) { l.fsfreeze("-f", n) }
func (l *lane) thaw(n *nodes.Node)   { l.fsfreeze("-u", n) }

func (l *lane) fsfreeze(flag string, n *nodes.Node) {
	if out, err := exec.Command("fsfreeze", flag, l.disk(n.ID)).CombinedOutput(); err != nil {
		l.Errorf("fsfreeze %s of %s: %v: %s", flag, n.ID, err, out)
	}
}

// fill leaves no room on the node's disk until empty.
func (l *lane) fill(n *nodes.Node) {
	f, err := os.Create(filepath.Join(l.disk(n.ID), "filler"))
	if err != nil {
		l.Error(err)
		return
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) >= 512; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2] // the rest, in ever smaller pieces
		}
	}
}

func (l *lane) empty(n *nodes.Node) {
	if err := os.Remove(filepath.Join(l.disk(n.ID), "filler")); err != nil {
		l.Error(err)
	}
}

// wipe removes the data directory of a stopped node.
func (l *lane) wipe(n *nodes.Node) {
	if err := os.RemoveAll(n.Data); err != nil {
		l.Error(err)
	}
}

// copyData keeps a copy of a stopped node's data directory.
func (l *lane) copyData(n *nodes.Node) (copied string) {
	copied = filepath.Join(l.Dir, "copy-"+n.ID)
	if err := os.RemoveAll(copied); err != nil {
		l.Error(err)
	}
	l.copyTree(n.Data, copied)
	return copied
}

// putBack replaces the data directory of a stopped node by the copy.
func (l *lane) putBack(n *nodes.Node, copied string) {
	l.wipe(n)
	l.copyTree(copied, n.Data)
}

func (l *lane) copyTree(from, to string) {
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		l.Errorf("cp %s %s: %v: %s", from, to, err, out)
	}
}
