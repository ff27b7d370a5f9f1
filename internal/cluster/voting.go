package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// servers are the members as this node knows them.
func (n *Node) servers() []raft.Server {
	if r := n.raft.Load(); r != nil {
		if s := servers(r); len(s) > 0 {
			return s
		}
	}
	var all []raft.Server
	for id, address := range n.cfg.members() {
		all = append(all, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(address)})
	}
	slices.SortFunc(all, func(a, b raft.Server) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return all
}

// term is the term that Raft is in, and 0 while this node takes no part.
func (n *Node) term() uint64 {
	if r := n.raft.Load(); r != nil && n.open.Load() {
		return r.CurrentTerm()
	}
	return 0
}

// verifyLeader returns nil when this node led at some moment after the call began:
// a quorum of the voters, asked since then, is in no later term, so that none of
// them had voted for another leader. Raft's VerifyLeader proves less: it counts
// the answers of non-voters, and those to messages that were sent before, which a
// frozen leader finds waiting when it goes on.
func (n *Node) verifyLeader() error {
	r := n.raft.Load()
	term := r.CurrentTerm()
	if r.State() != raft.Leader {
		return raft.ErrNotLeader
	}
	voters := n.voters()
	needed := int64(len(voters)/2 + 1)
	if !voters[n.cfg.NodeID] {
		return raft.ErrNotLeader
	}
	ctx, cancel := context.WithTimeout(context.Background(), transportTimeout)
	defer cancel()
	var agree atomic.Int64
	agree.Store(1)
	done := make(chan struct{}, len(voters))
	for id := range voters {
		if id == n.cfg.NodeID {
			continue
		}
		go func() { // ends with ctx
			if t, err := n.peers.Term(ctx, id); err == nil && t <= term {
				agree.Add(1)
			}
			done <- struct{}{}
		}()
	}
	for left := len(voters) - 1; left > 0 && agree.Load() < needed; left-- {
		<-done
	}
	if agree.Load() < needed || r.State() != raft.Leader || r.CurrentTerm() != term || n.muted() {
		return raft.ErrNotLeader
	}
	return nil
}

// lookAtSelf does what is due about this node's own place, about once a second.
func (n *Node) lookAtSelf() {
	n.tryOpen()
	n.keepMarksSometimes()
	n.removeAside()
	n.compareDigests()
	if why := n.self.convicted(); why != "" && n.ledWithout() {
		select {
		case n.replaced <- why:
		default:
		}
	}
}

// ledWithout reports whether a leader exists that this node has no part in.
func (n *Node) ledWithout() bool {
	for _, p := range n.peers.Peers() {
		if p.Up && p.State.Leads {
			return true
		}
	}
	return false
}

// marksEvery is how often what is known of the others' logs is made durable
// beside other changes of the identity.
const marksEvery = time.Minute

// keepMarksSometimes notes how far the others are.
func (n *Node) keepMarksSometimes() {
	for _, p := range n.peers.Peers() {
		if r, ok := n.self.peer(p.ID); ok && p.Up && p.Claim.HasData() && r.Directory == p.Identity.Directory && r.Nonce == p.Claim.Nonce {
			n.self.mark(p.ID, min(p.State.Commit, p.State.Last))
		}
	}
	if time.Since(n.marksKept) >= marksEvery*time.Duration(n.cfg.Pace) {
		n.keepMarks()
	}
}

// keepMarks makes durable what is known of the others' logs.
func (n *Node) keepMarks() {
	if _, since := n.disk.hanging(); n.muted() || since >= n.paced(suspicious) {
		return // the disk would be waited for
	}
	n.marksKept = time.Now()
	if !n.self.marked() {
		return
	}
	if err := n.self.change(func(*identity) error { return nil }); err != nil {
		n.log.Warn("could not store how far the other nodes are", "error", err)
	}
}

// place are the sentences about why this node takes no part; none when it does.
func (n *Node) place() []string {
	own := n.self.get()
	switch {
	case own == nil:
		return nil
	case n.self.convicted() != "":
		text := "this node does not vote: " + n.self.convicted()
		if needs := n.dataNeeded(n.peers.Peers()); needs != "" && !n.ledWithout() {
			text += "; " + needs
		}
		return []string{text}
	case n.self.telling() != "":
		return []string{n.self.telling()}
	case n.raft.Load() != nil && !n.open.Load():
		return append(n.peers.Problems(), fmt.Sprintf("this node does not vote yet: a majority of the voters must have taken notice of its start; %s",
			orElse(n.dataNeeded(n.peers.Peers()), "they are being asked")))
	}
	return nil
}

// noLeader is the sentence when none is known, with what is missing for one.
func (n *Node) noLeader(withNeeds bool) string {
	if needs := n.dataNeeded(n.peers.Peers()); needs != "" && withNeeds {
		return "no leader is known: " + needs
	}
	return "no leader is known"
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// membershipWarnings are what a person should know of who votes, a sentence each.
func (n *Node) membershipWarnings() []string {
	texts := n.place()
	peers := n.peers.Peers()
	voters := n.voters()
	if _, led := n.Leader(); !led && len(texts) == 0 {
		if needs := n.dataNeeded(peers); needs != "" {
			texts = append(texts, needs)
		}
	}
	for _, p := range peers {
		switch {
		case !p.Up:
		case p.Claim.Forgot != "":
			texts = append(texts, fmt.Sprintf("node %q does not vote: %s", p.ID, p.Claim.Forgot))
		case !p.Claim.Phase.HasData() && n.self.get() != nil && n.self.get().Phase.HasData():
			texts = append(texts, fmt.Sprintf("node %q has no data and does not vote until a leader has taken it back", p.ID))
		}
	}
	if r := n.raft.Load(); r != nil && n.self.get().Phase.HasData() {
		for _, s := range servers(r) {
			if s.Suffrage == raft.Voter {
				continue
			}
			text := fmt.Sprintf("node %q does not vote until it has caught up", s.ID)
			if rec := n.machine.View().Node(string(s.ID)); rec != nil && rec.WishReason != "" {
				text = fmt.Sprintf("node %q does not vote: %s", s.ID, rec.WishReason)
			}
			texts = append(texts, fmt.Sprintf("%s; meanwhile the cluster of %d voters may lose %s", text, len(voters), nodes(n.mayLose())))
		}
	}
	return texts
}

func nodes(count int) string {
	if count == 1 {
		return "1 node"
	}
	return fmt.Sprintf("%d nodes", count)
}

// mayLose is how many more voters may be lost before there is no leader.
func (n *Node) mayLose() int {
	voters := n.voters()
	working := 0
	for id := range voters {
		if id == n.cfg.NodeID {
			if n.open.Load() {
				working++
			}
			continue
		}
		if p, ok := n.peers.Peer(id); ok && p.Up && p.Claim.Open {
			working++
		}
	}
	return max(0, working-(len(voters)/2+1))
}
