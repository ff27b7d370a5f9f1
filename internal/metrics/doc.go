// Package metrics keeps recent measurements of groups in memory, on the leader,
// and answers statistics over them. It is not replicated: after a change of
// leader the windows fill again, and what has no data says so.
//
// It must never decide anything, and its memory is bounded: per series, per
// group and over all.
package metrics
