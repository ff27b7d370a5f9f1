// Command as-demo runs a three-node cluster on loopback and tells its story:
// a web tier scales out under load, loses the cluster's leader in the middle of
// it, loses an instance, and scales in again when the load ends. With --stay it
// only starts the cluster and leaves it to you.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/asctl/as/test/cluster/nodes"
)

func main() {
	stay := flag.Bool("stay", false, "start the cluster and leave it running until Ctrl-C")
	manifest := flag.String("manifest", "examples/web.yaml", "what to apply")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *stay, *manifest); err != nil {
		fmt.Fprintln(os.Stderr, "as-demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stay bool, manifest string) error {
	binary, err := exec.LookPath("asserver")
	if err != nil {
		return fmt.Errorf("%w (make build, and bin/ in PATH)", err)
	}
	dir, err := os.MkdirTemp("", "as-demo-")
	if err != nil {
		return err
	}
	cluster, err := nodes.New(nodes.Options{Binary: binary, Dir: dir})
	if err != nil {
		return err
	}
	// Whatever happens, nothing of ours is left behind: the instances are ended
	// through the API first, then the nodes, then the files.
	defer os.RemoveAll(dir)
	defer cluster.Stop()
	defer removeGroup(cluster)

	fmt.Printf("starting three nodes below %s\n", dir)
	if err := cluster.Start(); err != nil {
		return err
	}
	ready, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := cluster.WaitReady(ready); err != nil {
		return err
	}
	if stay {
		return leaveRunning(ctx, cluster, dir)
	}
	return story(ctx, cluster, manifest)
}

func leaveRunning(ctx context.Context, cluster *nodes.Cluster, dir string) error {
	fmt.Println("\nThe cluster is up. In another terminal:")
	fmt.Printf("\n  export PATH=%s:$PATH AS_ADDR=%s\n", filepath.Dir(os.Args[0]), cluster.GRPCAddresses()[0])
	fmt.Println("  asctl cluster status")
	fmt.Println("  asctl apply -f examples/web.yaml")
	fmt.Println("  asctl group get web")
	fmt.Println("  asctl event watch --group web")
	for _, n := range cluster.Nodes {
		fmt.Printf("\n  %s  gRPC %s  REST http://%s/v1/cluster  balancer http://%s/  log %s", n.ID, n.GRPC, n.HTTP, n.Balancer, n.LogFile())
	}
	fmt.Printf("\n\nCtrl-C ends it and removes %s.\n", dir)
	<-ctx.Done()
	fmt.Println("\nstopping")
	return nil
}
