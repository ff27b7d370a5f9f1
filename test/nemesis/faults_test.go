package nemesis_test

import (
	"syscall"
	"time"

	"github.com/asctl/as/test/cluster/nodes"
)

// fault is one thing that happens to a cluster. It ends with the fault healed,
// though perhaps not yet recovered from. A fault takes at most a minority's data.
type fault struct {
	name string
	run  func(l *lane)
}

// networkFaults lose packets.
var networkFaults = []fault{
	{"leader isolated", func(l *lane) { _, i := l.leader(); l.network.isolate(i, len(l.Nodes)); l.hold() }},
	{"follower isolated", func(l *lane) { _, i := l.leader(); l.network.isolate(l.another(i), len(l.Nodes)); l.hold() }},
	{"leader cannot send", func(l *lane) {
		_, i := l.leader()
		for to := range l.Nodes {
			if to != i {
				l.network.oneWay(i, to)
			}
		}
		l.hold()
	}},
	{"leader cannot receive", func(l *lane) {
		_, i := l.leader()
		for from := range l.Nodes {
			if from != i {
				l.network.oneWay(from, i)
			}
		}
		l.hold()
	}},
	{"leader and one follower cut", func(l *lane) { _, i := l.leader(); l.network.cut(i, l.another(i)); l.hold() }},
	{"two followers cut", func(l *lane) {
		_, i := l.leader()
		a := l.another(i)
		l.network.cut(a, l.another(i, a))
		l.hold()
	}},
	{"all cut", func(l *lane) {
		for i := range l.Nodes {
			l.network.isolate(i, len(l.Nodes))
		}
		l.hold()
	}},
	{"gRPC between nodes lost", func(l *lane) {
		_, i := l.leader()
		for from := range l.Nodes {
			if from != i {
				l.network.drop(i, "ip saddr "+l.network.ip(from)+" tcp dport 7400")
			}
		}
		l.hold()
	}},
	{"Raft to the leader lost", func(l *lane) { _, i := l.leader(); l.network.drop(i, "tcp dport 7490"); l.hold() }},
	{"flapping", func(l *lane) {
		for range 4 {
			_, i := l.leader()
			l.network.isolate(i, len(l.Nodes))
			l.pause(100*time.Millisecond, 1500*time.Millisecond)
			l.network.heal()
			l.pause(0, 500*time.Millisecond)
		}
	}},
	{"a third of packets lost", func(l *lane) {
		for i := range l.Nodes {
			l.network.drop(i, "iifname eth0 tcp dport 7490 numgen random mod 100 < 30")
		}
		l.hold()
	}},
}

// processFaults stop and end processes.
var processFaults = []fault{
	{"leader stopped for a while", func(l *lane) { n, _ := l.leader(); l.stopFor(n) }},
	{"follower stopped for a while", func(l *lane) { _, i := l.leader(); l.stopFor(l.Nodes[l.another(i)]) }},
	{"all stopped for a while", func(l *lane) { l.each(l.stopFor) }},
	{"leader killed", func(l *lane) { n, _ := l.leader(); l.killed(n) }},
	{"follower killed", func(l *lane) { _, i := l.leader(); l.killed(l.Nodes[l.another(i)]) }},
	{"all killed", func(l *lane) {
		for _, n := range l.Nodes {
			n.Kill()
		}
		l.start()
	}},
	{"leader and follower killed", func(l *lane) {
		n, i := l.leader()
		n.Kill()
		l.killed(l.Nodes[l.another(i)])
		l.start()
	}},
}

// clockFaults move wall clocks of a minority.
var clockFaults = []fault{
	{"leader's clock ahead", func(l *lane) { n, _ := l.leader(); l.jump(n, 2*time.Hour) }},
	{"leader's clock behind", func(l *lane) { n, _ := l.leader(); l.jump(n, -2*time.Hour) }},
	{"follower's clock far ahead, leader killed", func(l *lane) {
		n, i := l.leader()
		other := l.Nodes[l.another(i)]
		l.setClock(other, 10*365*24*time.Hour)
		l.pause(0, time.Second)
		l.killed(n)
		l.setClock(other, 0)
	}},
	{"started with a clock far ahead", func(l *lane) {
		n := l.Nodes[l.another()]
		n.Kill()
		l.jump(n, 10*365*24*time.Hour)
		l.start()
	}},
}

// diskFaults fill disks.
var diskFaults = []fault{
	{"leader's disk full", func(l *lane) { n, _ := l.leader(); l.full(n) }},
	{"follower's disk full", func(l *lane) { _, i := l.leader(); l.full(l.Nodes[l.another(i)]) }},
	{"all disks full", func(l *lane) { l.each(l.fill); l.hold(); l.each(l.empty); l.start() }},
}

// hangingDisks freeze disks.
var hangingDisks = []fault{
	{"leader's disk hangs", func(l *lane) { n, _ := l.leader(); l.hang(n) }},
	{"follower's disk hangs", func(l *lane) { _, i := l.leader(); l.hang(l.Nodes[l.another(i)]) }},
	{"all disks hang for five seconds", func(l *lane) {
		l.each(l.freeze)
		time.Sleep(5 * time.Second)
		l.each(l.thaw)
		for _, n := range l.Nodes {
			if !n.Running() {
				l.Errorf("%s ended when all disks hung:\n%s", n.ID, l.tail(n, 5))
			}
		}
		l.start()
	}},
}

// hold lets a fault last, and heals the network.
func (l *lane) hold() {
	l.pause(500*time.Millisecond, 6*time.Second)
	l.network.heal()
}

func (l *lane) stopFor(n *nodes.Node) {
	_ = n.Signal(syscall.SIGSTOP) // a process that has ended is started again later
	time.Sleep(time.Duration(1+len(n.ID)) * time.Second)
	_ = n.Signal(syscall.SIGCONT)
}

func (l *lane) killed(n *nodes.Node) {
	n.Kill()
	l.pause(0, 2*time.Second)
	l.start()
}

// start starts what has ended, and does not wait for it.
func (l *lane) start() {
	l.Helper()
	if err := l.Cluster.Start(); err != nil {
		l.Fatal(err)
	}
}

func (l *lane) jump(n *nodes.Node, shift time.Duration) {
	l.setClock(n, shift)
	l.start()
	l.pause(500*time.Millisecond, 5*time.Second)
	l.setClock(n, 0)
}

func (l *lane) full(n *nodes.Node) {
	l.fill(n)
	l.pause(2*time.Second, 8*time.Second)
	l.empty(n)
	l.start()
}

func (l *lane) hang(n *nodes.Node) {
	l.freeze(n)
	l.pause(1*time.Second, 9*time.Second)
	l.thaw(n)
	l.start()
}
