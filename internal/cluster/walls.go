package cluster

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/asctl/as/internal/cluster/peer"
)

// walls are the wall clocks of the cluster's nodes, as differences to this
// node's own.
type walls struct {
	// middle is what the middle one has over ours; 0 when that is at most maxSkew.
	middle time.Duration
	// quorum: those of a quorum are known. agree: those of a quorum are at middle
	// or later, so that no minority alone can set time forward.
	quorum, agree bool
}

// wallsOf compares our clock with those of the other nodes that answer now.
func wallsOf(peers []peer.Peer) walls {
	skews := []time.Duration{0} // our own
	for _, p := range peers {
		if p.Up && p.Measured {
			skews = append(skews, p.Skew)
		}
	}
	slices.Sort(skews)
	// The lower one of two middles: late is safer than early.
	w := walls{middle: skews[(len(skews)-1)/2]}
	need := (len(peers)+1)/2 + 1
	w.quorum = len(skews) >= need
	w.agree = w.quorum && skews[len(skews)-need] >= w.middle-maxSkew
	if w.middle.Abs() <= maxSkew {
		w.middle = 0
	}
	return w
}

// wallsPatience is how long a new leader waits for the wall clocks of a quorum.
// Without them time goes on from the newest stamp.
const wallsPatience = time.Second

// awaitWalls has the leader's clock settled before it stamps anything. The clock
// of a node that has followed is settled already.
func (n *Node) awaitWalls(ctx context.Context) {
	patience := time.NewTimer(wallsPatience * time.Duration(n.cfg.Pace))
	defer patience.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !n.clock.follow(wallsOf(n.peers.Peers()), true) {
		select {
		case <-tick.C:
		case <-patience.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// keepTime takes the wall clocks that are known now. It looks at the time, so that
// a clock that is set is noticed when that happens and not when this node leads.
func (n *Node) keepTime() {
	n.clock.follow(wallsOf(n.peers.Peers()), n.readiness.caughtUp())
	n.Now()
}

// timeAhead is what replicated time has over the wall clock.
func (n *Node) timeAhead() time.Duration {
	v := n.machine.View()
	return n.clock.ahead(v.Stamp(), v.TimeSets())
}

// timeProblem is what is wrong with replicated time; "": nothing.
func timeProblem(ahead time.Duration) string {
	switch {
	case ahead > maxSkew:
		return fmt.Sprintf("the cluster's time is %s ahead of the wall clock: what is due by the wall clock is late; "+
			"once the clocks are right, set it back with: asctl cluster set-time", ahead.Round(time.Second))
	case ahead < -maxSkew:
		return fmt.Sprintf("the wall clock is %s ahead of the cluster's time and is not followed: "+
			"it was set forward just now, or the clocks of a majority do not agree", -ahead.Round(time.Second))
	}
	return ""
}
