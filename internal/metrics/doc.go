// Package metrics keeps recent measurements of groups in memory and computes
// statistics over them. The leader takes samples and ships them to the other
// nodes, so that the next leader has them; what may be missing is known.
//
// It must never decide anything, and its memory is bounded: per series, per
// group and over all.
package metrics
