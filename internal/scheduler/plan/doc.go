// Package plan says what is to be done about a group: which facts to write
// (Decide), which effects to have outside (Effects), and when to look again
// (NextWake). All three follow from the state and the time alone, so that any
// leader, at any moment, comes to the same and a second look changes nothing.
//
// It must never act: no clock, no random source, no goroutine, no I/O. What it
// decides is written by package control; what it wants done outside is carried
// out by package scheduler, which makes no choices of its own.
package plan
