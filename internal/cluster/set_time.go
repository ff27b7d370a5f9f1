package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/peer"
	"github.com/asctl/as/internal/fsm"
)

// TimeSetting asks for replicated time to be that of the wall clocks.
type TimeSetting struct {
	// Force takes the middle wall clock although those of a majority do not agree.
	Force bool
	// DryRun checks, and sets nothing.
	DryRun bool
	// Set sets it to t in the transaction (see control.SetTime).
	Set func(tx *fsm.Tx, t autoscaling.Time)
}

// SetTime makes replicated time that of the cluster's wall clocks, and has the
// leader's work begun anew: what waits in memory waits for instants of before. It
// does nothing when they differ by less than maxSkew already. It returns both.
// Only the leader does it; elsewhere it is NO_LEADER.
func (n *Node) SetTime(ctx context.Context, setting TimeSetting) (before, after autoscaling.Time, err error) {
	s, err := n.accepting(ctx)
	if err != nil {
		return 0, 0, err
	}
	middle, agree, text := agreement(n.cfg.NodeID, n.peers.Peers())
	if !agree && !setting.Force {
		return 0, 0, &autoscaling.Error{Reason: autoscaling.WrongState, Message: "the wall clocks of a majority of the nodes do not agree within " + maxSkew.String() +
			": " + text + "; set the clocks right first, or force the time of the middle one"}
	}
	wall := func() autoscaling.Time { return autoscaling.TimeOf(n.cfg.Clock().Add(middle)) }
	before, after = n.Now(), wall()
	if setting.DryRun || before.Sub(after).Abs() <= maxSkew {
		return before, after, nil
	}
	err = n.Do(ctx, func(tx *fsm.Tx) error {
		before, after = tx.Now(), wall()
		setting.Set(tx, after)
		return nil
	})
	if err != nil {
		return 0, 0, err
	}
	n.log.Warn("the cluster's time was set", "before", before, "time", after)
	select {
	case s.afresh <- struct{}{}:
	default: // it is about to begin anew
	}
	return before, after, nil
}

// agreement is the middle wall clock, as a difference to this node's, and whether
// those of a majority are within maxSkew of it. The text has all of them.
func agreement(own string, peers []peer.Peer) (middle time.Duration, agree bool, text string) {
	skews := []time.Duration{0}
	parts := []string{own + " is the leader's"}
	for _, p := range peers {
		if !p.Up || !p.Measured {
			parts = append(parts, p.ID+" is not known")
			continue
		}
		skews = append(skews, p.Skew)
		switch skew := p.Skew.Round(100 * time.Millisecond); {
		case skew > 0:
			parts = append(parts, fmt.Sprintf("%s is %s ahead of it", p.ID, skew))
		case skew < 0:
			parts = append(parts, fmt.Sprintf("%s is %s behind it", p.ID, -skew))
		default:
			parts = append(parts, p.ID+" is the same")
		}
	}
	slices.Sort(skews)
	middle = skews[(len(skews)-1)/2]
	near := 0
	for _, skew := range skews {
		if (skew - middle).Abs() <= maxSkew {
			near++
		}
	}
	return middle, near > (len(peers)+1)/2, strings.Join(parts, ", ")
}

// errTimeSet ends the leader's work so that it begins anew.
var errTimeSet = errors.New("the cluster's time was set")

// leadOnce is the leader's work until ctx ends, it ends early, or time is set.
func (n *Node) leadOnce(ctx context.Context, s *session) error {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-s.afresh:
			cancel(errTimeSet)
		case <-ctx.Done():
		}
	}()
	err := n.cfg.Lead(ctx, Leadership{Term: s.term})
	afresh := context.Cause(ctx) == errTimeSet
	cancel(nil)
	<-ended
	if afresh {
		return errTimeSet
	}
	return err
}
