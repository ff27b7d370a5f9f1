// Package peer is what the nodes of a cluster tell each other beside Raft: who
// they are and where they can be reached, how far they are, what time it is at
// theirs, which requests their balancers have open, and whether the leader's
// process is dead.
//
// It also owns the Raft listener: what connects there proves to be a node of
// this cluster before a byte is read for Raft or for the peer service (Channel,
// Mux).
//
// Each node keeps one idle connection to each other node there. The kernel resets it
// when the other process dies, which the death detector turns into an election
// at once instead of after a time-out.
//
// It must never decide who leads: a campaign is only a hint to Raft, whose rules
// of voting stay as they are.
package peer
