// Package control holds the operations: one function per request, whoever makes
// it: a person through any API dialect, a task, an alarm, or the scheduler. An
// operation validates, decides by the rules of package autoscaling, and writes
// facts into a transaction.
//
// It is the only place that changes capacity. It must never reach outside: no
// clock, no random source, no goroutine, no I/O, no logger. Time and ids come
// from the transaction; what is known of the outside comes from Platform, from
// memory.
//
// Three kinds of outcome:
//
//   - an answer: what was asked is committed;
//   - an *autoscaling.Error: nothing is written (invalid, not found, etag);
//   - a recorded refusal: an Activity with status REJECTED and a nil error; it is
//     committed, and RefusalError turns it into the caller's error.
package control
