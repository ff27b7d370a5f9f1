// Package autoscaling is the vocabulary of the service: what a group, a
// configuration, a rule, a task, an instance and an activity are, the table
// that every instance's life follows, and the arithmetic of capacity.
//
// It is pure: no clock, no random source, no goroutine, no I/O, no logger. It
// knows nothing of storage or transport. Records are kept and replicated in
// CBOR with the integer keys given here: a key, once released, is never reused
// for something else.
package autoscaling
