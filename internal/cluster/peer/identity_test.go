package peer

import (
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

func TestIdentitiesOfOtherClustersAreRefused(t *testing.T) {
	a := Identity{Cluster: "c1", Lineage: "l1", Node: "n1", Directory: "d1"}
	fresh := Identity{Node: "n2", Directory: "d2"}
	other := func(cluster autoscaling.UID, lineage string) Identity {
		return Identity{Cluster: cluster, Lineage: lineage, Node: "n2", Directory: "d2"}
	}
	for name, tt := range map[string]struct {
		with       Identity
		peer, raft bool
	}{
		"same cluster":    {other("c1", "l1"), true, true},
		"another cluster": {other("c2", "l1"), false, false},
		"another lineage": {other("c1", "l2"), false, false},
		"fresh":           {fresh, true, false},
	} {
		for way, pair := range map[string][2]Identity{"there": {a, tt.with}, "back": {tt.with, a}} {
			if err := pair[0].Accepts(pair[1]); (err == nil) != tt.peer {
				t.Errorf("%s, %s: Accepts = %v", name, way, err)
			}
			if err := pair[0].AcceptsRaft(pair[1]); (err == nil) != tt.raft {
				t.Errorf("%s, %s: AcceptsRaft = %v", name, way, err)
			}
		}
	}
}
