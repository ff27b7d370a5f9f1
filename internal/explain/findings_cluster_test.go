package explain_test

import (
	"strings"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/explain"
)

func TestWhatIsWrongWithNodesIsFound(t *testing.T) {
	of := func(kind, message string) autoscaling.Condition {
		return autoscaling.Condition{Type: autoscaling.ConditionType(kind), Message: message, Time: 7}
	}
	found := explain.ClusterFindings([]explain.NodeCondition{
		{Node: "n2", Condition: of("DISK_LOW", "the disk has 3 MiB free of 40 MiB")},
		{Node: "n3", Condition: of("DISK_UNWRITABLE", "node n3 takes no part in the cluster: no space left on device")},
		{Node: "n1", Condition: of("NODE_LAGGING", "node n1 does not keep up")},
		{Condition: of("NO_LEADER", "node n1 knows no leader")},
		{Node: "n1", Condition: of("SOMETHING_NEW", "it glows")},
	})
	var got []string
	for _, f := range found {
		got = append(got, f.Kind+" "+f.Resource+" "+f.Problem)
		if f.Since != 7 || f.Command != "asctl cluster status" || f.Severity == 0 {
			t.Errorf("%+v", f)
		}
	}
	want := `NO_LEADER cluster Node n1 knows no leader.
DISK_UNWRITABLE nodes/n3 Node n3 takes no part in the cluster: no space left on device.
NODE_LAGGING nodes/n1 Node n1 does not keep up.
SOMETHING_NEW nodes/n1 Node n1: it glows.
DISK_LOW nodes/n2 Node n2: the disk has 3 MiB free of 40 MiB.`
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("found\n%s\nwant\n%s", s, want)
	}
}
