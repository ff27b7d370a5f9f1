// Package journal makes the writes of a log store cheap.
//
// A commit of bbolt writes several pages and waits for the disk twice. The
// journal stands before such a store: entries are durable once they are in the
// journal, after one sequential write, and move on into the store many at a
// time. What the journal alone has is at most two segments, and is put into the
// store when it is opened again.
//
// A segment is a file of fixed size, written full of zeros when it is made, so
// that a write changes data only and never the file system's own records. There
// are two: while the entries of one move into the store the other is written.
// A segment is written anew only when all its entries are in the store, and the
// last record of the other one says so.
//
// A record is a batch of entries with a checksum and a number, one higher than
// the number before it. Records begin at block boundaries: nothing that was
// acknowledged is ever written again, so that a write which the power fails in
// can spoil only itself. Such a record is the last one, and was not
// acknowledged; one that is unreadable anywhere else is an error.
package journal
