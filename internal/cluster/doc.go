// Package cluster is one Raft node: its log and snapshots on disk, the
// transport, membership, leadership, and the one Writer through which the state
// changes.
//
// It must never decide anything about groups or instances, and nothing but the
// Writer proposes log entries. What a leader does besides writing is the Lead
// callback's business: this package calls it once for each term, cancels it and
// waits for it.
package cluster
