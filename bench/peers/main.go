// Command as-bench-etcd is one member of an etcd cluster, embedded from etcd's
// own module: the peer that the benchmarks run beside AS. It lives in a module
// of its own, so that etcd never enters the product's dependencies.
//
//	as-bench-etcd NAME DIR CLIENT-URL PEER-URL INITIAL-CLUSTER
package main

import (
	"fmt"
	"net/url"
	"os"

	"go.etcd.io/etcd/server/v3/embed"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "as-bench-etcd:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 5 {
		return fmt.Errorf("usage: as-bench-etcd NAME DIR CLIENT-URL PEER-URL INITIAL-CLUSTER")
	}
	client, err := url.Parse(args[2])
	if err != nil {
		return err
	}
	peer, err := url.Parse(args[3])
	if err != nil {
		return err
	}
	// Everything that matters for speed is etcd's default: election and heartbeat
	// time-outs, snapshots, fsync.
	config := embed.NewConfig()
	config.Name, config.Dir, config.LogLevel = args[0], args[1], "error"
	config.ListenClientUrls, config.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	config.ListenPeerUrls, config.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	config.InitialCluster = args[4]
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	return <-etcd.Err()
}
