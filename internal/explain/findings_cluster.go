package explain

import (
	"strings"

	"github.com/asctl/as/internal/autoscaling"
)

// clusterWords is what is known of a condition of a node or of the cluster
// beside its message.
type clusterWords struct {
	severity Severity
	cause    string
	next     string
	command  string
}

var clusterConditions = map[autoscaling.ConditionType]clusterWords{
	"DISK_UNWRITABLE": {Error, "a write to the data directory failed or has not returned; a full disk, a failing one, or storage that is not reachable",
		"the node takes part again when the disk does: a write that hangs has to return, and after one that failed the directory is opened again every 10 s; until then one node less may be lost", "cluster status"},
	"DISK_LOW":         {Warning, "", "when the disk is full the node takes no part in the cluster; a leader hands over to a node with room", "cluster status"},
	"DESCRIPTORS_LOW":  {Warning, "many connections, or a low limit of open files (ulimit -n)", "without descriptors nothing can be reached or launched; a leader hands over to a node with room", "cluster status"},
	"NODE_UNREACHABLE": {Error, "its process does not run, or the network between does not pass packets", "the others go on while they are a majority; until it is back one node less may be lost", "cluster status"},
	"NODE_LAGGING":     {Warning, "it has just started, is overloaded, or its disk is slow or broken", "it catches up by itself when it can; until then one node less may be lost", "cluster status"},
	"STATES_DIFFER": {Error, "the memory of a machine is bad, or a fault of asserver, which please report",
		"a node that a majority of the voters contradicts ends by itself, and comes back with the others' state when it is started again; without a majority nothing happens", "cluster status"},
	"NO_LEADER": {Error, "no majority of the nodes can write and reach each other", "nothing is changed, launched or stopped until a majority is back", "cluster status"},
}

// NodeCondition is a condition of the node, or with an empty id of the cluster.
type NodeCondition struct {
	Node string
	autoscaling.Condition
}

// ClusterFindings are what is wrong with the cluster's nodes, the worst first.
func ClusterFindings(conditions []NodeCondition) []Finding {
	f := &finder{}
	for _, c := range conditions {
		w, known := clusterConditions[c.Type]
		if !known {
			w = clusterWords{severity: Warning, command: "cluster status"}
		}
		resource := "cluster"
		if c.Node != "" {
			resource = "nodes/" + c.Node
		}
		problem := c.Message
		if c.Node != "" && !strings.Contains(problem, c.Node) {
			problem = "node " + c.Node + ": " + problem
		}
		f.add(Finding{
			Kind: string(c.Type), Severity: w.severity, Resource: resource, Problem: problem,
			Cause: w.cause, Next: w.next, Command: "asctl " + w.command, Since: c.Time,
		})
	}
	return f.sorted()
}
