// Package fsm is the replicated state: typed tables with indexes, immutable
// Views of it, transactions that record what they change, and the raft.FSM
// that applies batches of such changes, snapshots and restores them.
//
// It must never decide anything: replicas and restarts replay puts and deletes
// of records, never logic. It uses no clock, no random source, no goroutine and
// no logger; the time stamp and the ids of a transaction come from outside.
package fsm
