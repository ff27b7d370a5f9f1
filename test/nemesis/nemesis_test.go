package nemesis_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// soakLanes is the number of lanes of a short run, and soakTime what is no longer one.
const (
	soakLanes = 5
	soakTime  = 10 * time.Minute
)

// TestNothingAcknowledgedIsLostUnderFaults attacks clusters of real processes
// with faults drawn from a seed, while eight callers of each keep calling. In
// the end every caller has been told the truth, and the replicas are equal.
func TestNothingAcknowledgedIsLostUnderFaults(t *testing.T) {
	t.Parallel()
	seed := *nemesisSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	for i, lane := range []struct {
		name   string
		size   int
		faults []fault
	}{
		{"network", 3, slices.Concat(networkFaults, processFaults)},
		{"machines", 3, slices.Concat(processFaults, clockFaults, diskFaults, hangingDisks)},
		{"amnesia", 3, amnesiaFaults},
		{"damage", 3, damageFaults},
		{"five", 5, fiveFaults},
		// Half an hour of these lanes alone would not meet each fault often enough.
		{"amnesia again", 3, amnesiaFaults},
		{"damage again", 3, damageFaults},
		{"hanging disks", 3, hangingDisks},
	} {
		t.Run(lane.name, func(t *testing.T) {
			t.Parallel()
			if i >= soakLanes && *nemesisTime < soakTime {
				t.Skip("only in a run of half an hour")
			}
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			l := newLane(t, i+1, lane.size, random)
			l.startAll()
			l.attack(lane.faults, seed)
		})
	}
}

// attack runs the faults in shuffled order, again and again, until the time is
// over. The cluster must recover from each one before the next begins.
func (l *lane) attack(faults []fault, seed uint64) {
	observer := l.observe()
	callers := l.newCallers()
	callers.run(seed)
	defer callers.end()
	defer func() {
		var lines []string
		for _, name := range slices.Sorted(maps.Keys(l.counts)) {
			lines = append(lines, fmt.Sprintf("%4d × %s", l.counts[name], name))
		}
		l.Logf("faults:\n%s", strings.Join(lines, "\n"))
	}()
	end := time.Now().Add(*nemesisTime)
	for time.Now().Before(end) {
		for _, i := range l.random.Perm(len(faults)) {
			if !time.Now().Before(end) {
				break
			}
			f := faults[i]
			l.step("%s", f.name)
			f.run(l)
			l.counts[f.name]++
			l.awaitWhole()
			l.pause(0, 500*time.Millisecond)
		}
	}
	l.step("callers end")
	callers.end()
	callers.check()
	if err := observer.end(); err != nil {
		l.Error(err)
	}
}

// fiveFaults are for a cluster of five: two may forget at once.
var fiveFaults = []fault{
	{"two of five wiped at once", func(l *lane) {
		_, i := l.leader()
		a := l.another(i)
		b := l.another(i, a)
		l.Nodes[a].Kill()
		l.Nodes[b].Kill()
		l.wipe(l.Nodes[a])
		l.wipe(l.Nodes[b])
		l.start()
	}},
	{"leader and another of five wiped at once", func(l *lane) {
		n, i := l.leader()
		other := l.Nodes[l.another(i)]
		n.Kill()
		other.Kill()
		l.wipe(n)
		l.wipe(other)
		l.start()
	}},
	{"two of five killed", func(l *lane) {
		n, i := l.leader()
		n.Kill()
		l.killed(l.Nodes[l.another(i)])
	}},
	{"two of five isolated", func(l *lane) {
		_, i := l.leader()
		l.network.isolate(i, len(l.Nodes))
		l.network.isolate(l.another(i), len(l.Nodes))
		l.hold()
	}},
}
