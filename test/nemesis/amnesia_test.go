package nemesis_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/asctl/as/test/cluster/nodes"
)

// amnesiaFaults take the data of a minority away, whole or in part, while the
// rest of the cluster is as weak as it may be.
var amnesiaFaults = []fault{
	{"follower wiped", func(l *lane) { _, i := l.leader(); l.forgets(l.Nodes[l.another(i)], l.wipe); l.start() }},
	{"leader wiped", func(l *lane) { n, _ := l.leader(); l.forgets(n, l.wipe); l.start() }},
	{"wiped while another lags and the leader dies", func(l *lane) { l.forgetsWhileAnotherLags(l.wipe) }},
	{"rolled back while another lags and the leader dies", func(l *lane) {
		_, i := l.leader()
		victim := l.Nodes[l.another(i)]
		victim.Kill()
		copied := l.copyData(victim)
		l.start()
		l.awaitReady()
		l.pause(200*time.Millisecond, time.Second) // what it then forgets
		l.victimForgetsWhileAnotherLags(victim, func(n *nodes.Node) { l.putBack(n, copied) })
	}},
	{"wiped behind a one-way cut of a leader of an old term", func(l *lane) {
		n, i := l.leader()
		for to := range l.Nodes {
			if to != i {
				l.network.oneWay(to, i) // it still sends, and hears nothing
			}
		}
		l.pause(0, 2*time.Second)
		victim := l.Nodes[l.another(i)]
		l.forgets(victim, l.wipe)
		l.start()
		l.pause(0, 2*time.Second)
		l.network.heal()
		_ = n
	}},
	{"leader killed while a node is taken back", func(l *lane) {
		_, i := l.leader()
		l.forgets(l.Nodes[l.another(i)], l.wipe)
		l.start()
		for range 3 { // between demoting, catching up and promoting
			l.pause(0, 4*time.Second)
			if n, _ := l.leader(); n != nil {
				n.Kill()
				l.pause(0, 300*time.Millisecond)
				l.start()
			}
		}
	}},
}

// damageFaults flip bits in the files of a stopped node.
var damageFaults = []fault{
	{"bits flipped in the term and the vote", func(l *lane) { l.damaged(isFile("raft.db"), 3) }},
	{"bits flipped in the identity", func(l *lane) { l.damaged(isFile("identity"), 1) }},
	{"a bit flipped at the journal's end", func(l *lane) { l.damaged(isFile("journal"), 1) }},
	{"a bit flipped in the newest snapshot's meta", func(l *lane) { l.damaged(isFile("meta.json"), 1) }},
	{"bits flipped anywhere", func(l *lane) { l.damaged(func(string) bool { return true }, 8) }},
}

// forgets ends a node and takes its data.
func (l *lane) forgets(n *nodes.Node, how func(n *nodes.Node)) {
	n.Kill()
	how(n)
}

func (l *lane) forgetsWhileAnotherLags(how func(n *nodes.Node)) {
	_, i := l.leader()
	l.victimForgetsWhileAnotherLags(l.Nodes[l.another(i)], how)
}

// victimForgetsWhileAnotherLags leaves the newest writes to the leader and the
// victim alone, takes the victim's data, and kills the leader within 100 ms. The
// lagging node and the victim alone must then not serve without those writes.
func (l *lane) victimForgetsWhileAnotherLags(victim *nodes.Node, how func(n *nodes.Node)) {
	leader, i := l.leader()
	if leader == victim {
		l.forgets(victim, how)
		l.start()
		return
	}
	lagging := l.Nodes[l.another(i, l.index(victim))]
	_ = lagging.Signal(syscall.SIGSTOP)
	l.pause(300*time.Millisecond, time.Second) // writes that it does not get
	victim.Kill()
	lagging.Kill()
	how(victim)
	if err := victim.Start(); err != nil {
		l.Fatal(err)
	}
	if err := lagging.Start(); err != nil {
		l.Fatal(err)
	}
	l.pause(0, 100*time.Millisecond)
	leader.Kill()
	l.pause(time.Second, 4*time.Second)
	l.start()
}

func isFile(part string) func(string) bool {
	return func(path string) bool { return strings.Contains(path, part) }
}

// damaged flips bits in a node's files while it is stopped.
func (l *lane) damaged(which func(path string) bool, bits int) {
	n := l.Nodes[l.another()]
	n.Kill()
	var files []string
	_ = filepath.WalkDir(n.Data, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && filepath.Base(path) != "lock" && which(strings.TrimPrefix(path, n.Data)) {
			files = append(files, path)
		}
		return nil
	})
	for range bits {
		if len(files) > 0 {
			l.flip(files[l.random.IntN(len(files))])
		}
	}
	l.start()
}

// flip turns one bit of a file around, somewhere in what it has.
func (l *lane) flip(path string) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		l.Error(err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return
	}
	at := l.random.Int64N(info.Size())
	var b [1]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		l.Error(err)
		return
	}
	b[0] ^= 1 << l.random.IntN(8)
	if _, err := f.WriteAt(b[:], at); err != nil {
		l.Error(err)
	}
}
