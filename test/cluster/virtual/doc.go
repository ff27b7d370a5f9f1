// Package virtual runs whole clusters in virtual time: three nodes with their
// schedulers in one testing/synctest bubble, over a network in memory that can
// be cut, with clocks that can be set wrong, on one simulated cloud, one set of
// access lists and one load balancer. An hour takes about a second.
//
// A World keeps book of every call that reaches the outside. It knows the rules
// that no crash may break (no machine before its intent, none twice, access
// before start, no traffic while launch hooks hold, drain before stop, stop before
// revocation, nothing left behind, nobody else's machine ended) and finds those
// broken that a look at the end would miss. From the event log it knows that each
// activity ends once, and each hook's wait, not before its deadline.
//
// What it leaves to others: the API (package rpc), real processes, sockets and
// disks (package cluster_test beside it).
package virtual
