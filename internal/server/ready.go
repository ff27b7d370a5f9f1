package server

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/asctl/as/internal/rpc"
)

// ready is what /readyz shows.
func (n *Node) ready() []rpc.Check {
	var checks []rpc.Check
	for _, c := range n.cluster.Checks() {
		checks = append(checks, rpc.Check(c))
	}
	shutdown := rpc.Check{Name: "shutdown"}
	if n.draining.begun() {
		shutdown.Problem = "this node is stopping"
	}
	return append(checks, n.api.CallPath(), rpc.Check{Name: "pools", Problem: n.poolsProblem()}, shutdown)
}

// poolsProblem names each pool of this node's built-in balancers that is not
// served, and why.
func (n *Node) poolsProblem() string {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(n.outside.edges)) {
		server := n.outside.edges[name].server
		for _, pool := range server.Pools() {
			if problem := server.Problem(pool); problem != "" {
				problems = append(problems, fmt.Sprintf("pool %s/%s is not served: %s", name, pool, problem))
			}
		}
	}
	return strings.Join(problems, "; ")
}
