package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/asctl/as/internal/cluster/peer"
)

// compareStates compares the digests that are known, by node, as far as they are
// of the same index and build as the node's own. It reports whether a strict
// majority of all voters agrees on another state than the node's, and returns
// how the states differ; "" when they do not.
func compareStates(self string, known map[string]peer.Digest, voters map[string]bool) (odd bool, text string) {
	own := known[self]
	states := map[string][]string{} // by sum: the nodes that have it
	for id, d := range known {
		if d.Index == own.Index && d.Build == own.Build && (voters[id] || id == self) {
			states[string(d.Sum)] = append(states[string(d.Sum)], id)
		}
	}
	if len(states) < 2 {
		return false, ""
	}
	var sides, majority, others []string
	for sum, ids := range states {
		slices.Sort(ids)
		votes := 0
		for _, id := range ids {
			if voters[id] {
				votes++
			}
		}
		if votes > len(voters)/2 {
			majority, odd = ids, sum != string(own.Sum)
		} else {
			others = append(others, ids...)
		}
		sides = append(sides, strings.Join(ids, ", "))
	}
	slices.Sort(sides)
	slices.Sort(others)
	switch {
	case odd:
		return true, fmt.Sprintf("the state of node %q after log entry %d differs from that of %d of the %d voters, %s",
			self, own.Index, len(majority), len(voters), strings.Join(majority, ", "))
	case majority != nil:
		return false, fmt.Sprintf("the state of %s after log entry %d differs from that of %d of the %d voters, %s, and is wrong: it ends by itself; start it again",
			strings.Join(others, ", "), own.Index, len(majority), len(voters), strings.Join(majority, ", "))
	}
	return false, fmt.Sprintf("the states of the nodes differ after log entry %d, and no majority of the %d voters agrees: %s; %s",
		own.Index, len(voters), strings.Join(sides, " against "), undecided(known, voters))
}

// undecided says what can be done while nothing tells which state is right.
func undecided(known map[string]peer.Digest, voters map[string]bool) string {
	var missing []string
	for id := range voters {
		if _, ok := known[id]; !ok {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return "no node ends by itself; test the memory of the machines, and empty the data directory of a node that is known to be wrong"
	}
	slices.Sort(missing)
	return fmt.Sprintf("start %s, so that a majority can tell which is right", strings.Join(missing, ", "))
}

// build names the program. Only nodes of the same build compare their states: one
// that knows fewer fields of a record has other bytes.
func (n *Node) build() string { return n.cfg.Record.Version + " " + revision() }

// revision is the revision that this program was built from. Where there is none,
// or files were changed, it is a sum over the program.
var revision = sync.OnceValue(func() string {
	settings := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
	}
	if settings["vcs.revision"] != "" && settings["vcs.modified"] == "false" {
		return settings["vcs.revision"]
	}
	f, err := os.Open("/proc/self/exe") // also when the file was replaced meanwhile
	if err != nil {
		path, _ := os.Executable()
		if f, err = os.Open(path); err != nil {
			return "unknown " + randomID() // it is comparable with no other
		}
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "unknown " + randomID()
	}
	return hex.EncodeToString(sum.Sum(nil))
})
