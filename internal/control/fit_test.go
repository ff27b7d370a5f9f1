package control_test

import (
	"testing"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
)

// A second function and a second version of the group for each change of desired
// would be half of what such a change costs.
func TestChangeOfDesiredLeavesNothingToFit(t *testing.T) {
	s := begin()
	s.Drive()
	group := func() *autoscaling.Group { return s.View().GroupByID("default", "web") }
	if control.FitDue(group()) {
		t.Fatal("the group did not come to rest")
	}
	generation := group().Generation
	s.do(fields("set-desired web 2"))
	if g := group(); g.Generation != generation+1 || control.FitDue(g) {
		t.Errorf("generation %d after %d, fitted %d\n%s", g.Generation, generation, g.Fitted, s.out.String())
	}
	s.do(fields("update web desired=3 cooldown=90s"))
	if g := group(); g.Generation == generation+1 || !control.FitDue(g) {
		t.Errorf("what was changed with desired is not due to be fitted: generation %d, fitted %d\n%s", g.Generation, g.Fitted, s.out.String())
	}
}
