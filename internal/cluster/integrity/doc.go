// Package integrity finds damage in what a node keeps on its disk before the
// damage reaches the state: flipped bits, lost pages, files of another time.
//
// Every log entry carries a checksum from the leader that wrote it to each disk
// and back (Log, Check). Term, vote and the other stable values are one checked
// record (Stable). A snapshot's description has a checksum beside it (Snapshots).
// The pages of the log file are checked without bbolt, which panics over a bad
// one (CheckPages).
//
// The package finds damage and names it; it repairs nothing. What becomes of a
// damaged node is decided by its caller.
package integrity
