package builtin

import (
	"cmp"
	"slices"
)

// PoolReport is what one node says of one pool: that it serves the targets of
// the applied state at Index, and what is open. Targets with nothing open are
// left out. A target that has left the set stays in while something is open.
type PoolReport struct {
	Pool    string
	Index   uint64
	Targets []TargetReport
	Problem string // why it does not listen; empty: it does, or is about to
}

// TargetReport is the open requests, or connections in tcp mode, of a target.
type TargetReport struct {
	Instance string
	Open     int32
}

func sortReports(targets []TargetReport) {
	slices.SortFunc(targets, func(a, b TargetReport) int { return cmp.Compare(a.Instance, b.Instance) })
}

// NodeReport is a PoolReport as the leader holds it. A node that cannot be
// reached is not waited for.
type NodeReport struct {
	Node      string
	Reachable bool
	Index     uint64
	Open      map[string]int32 // by instance
}

// ReportSource is the leader's view of the nodes' reports, its own node's among
// them.
type ReportSource interface {
	// Reports are of the nodes that serve the pool.
	Reports(pool string) []NodeReport
	// Changed is closed when a report, or what is reachable, changes next.
	Changed() <-chan struct{}
}

// By makes the report one of the node.
func (r PoolReport) By(node string, reachable bool) NodeReport {
	n := NodeReport{Node: node, Reachable: reachable, Index: r.Index, Open: make(map[string]int32, len(r.Targets))}
	for _, t := range r.Targets {
		n.Open[t.Instance] += t.Open
	}
	return n
}

// Alone is the ReportSource of a cluster that is this one node.
func Alone(server *Server, node string) ReportSource { return alone{server, node} }

type alone struct {
	server *Server
	node   string
}

func (a alone) Reports(pool string) []NodeReport {
	p := a.server.pools[pool]
	if p == nil {
		return nil
	}
	return []NodeReport{p.report().By(a.node, true)}
}

func (a alone) Changed() <-chan struct{} { return a.server.Changed() }
