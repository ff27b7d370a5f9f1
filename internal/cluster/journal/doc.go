// Package journal makes the writes of a log store cheap.
//
// A commit of bbolt writes several pages and waits for the disk twice. The
// journal stands before such a store: entries are durable once they are in the
// journal, after one sequential write, and move on into the store many at a
// time. What the journal alone has is at most two segments, and is put into the
// store when the journal is closed, or opened again.
//
// A segment is a file of fixed size, written full of zeros when it is made, so
// that later writes change data only and not, on ext4 and xfs, the file
// system's own records. There are two: while the entries of one move into the
// store the other is written. A segment is written anew only when all its
// entries are in the store, and the last record of the other one says so.
//
// A record is a batch of entries with a number, one higher than that of the
// record before it, and the number up to which records are in the store. The
// newest record thereby says which records are needed; one of them that cannot be
// read is an error. Records begin at block boundaries: a write that the power
// fails in can spoil nothing but itself.
//
// Each sector of a record has a checksum, the record's number and which run wrote
// it, so that it can be judged alone. A record behind the newest whole one is torn
// when one of its sectors is still blank or of an earlier record: nobody was told
// of it, and it is dropped. When all were written and one is damaged, it was
// acknowledged, and the journal is refused.
//
// Checksums start from a random number that the node's stable store keeps:
// nothing that a caller puts into an entry can pass for a record, and the
// journal belongs to one store. There, a clean stop notes how far journal and log
// have come, lest either be shorter later.
package journal
