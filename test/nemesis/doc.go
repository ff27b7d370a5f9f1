// Package nemesis holds the tests that attack a running cluster: real asserver
// processes on network namespaces and disks of their own, faults drawn from a
// seed, clients that keep calling, and a check of everything that the clients
// were told.
//
// The tests need root, iproute2, nftables and e2fsprogs. `make test` runs a
// short form, `make soak` runs half an hour.
package nemesis
