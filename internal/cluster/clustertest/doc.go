// Package clustertest runs whole clusters inside one test: real nodes over a
// network in memory that can be cut, in virtual time when the test runs in a
// testing/synctest bubble.
package clustertest
