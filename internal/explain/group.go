package explain

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// Group explains why the group has the capacity that it has, what it is doing,
// and what holds it back.
func Group(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) Explanation {
	return Explanation{Resource: autoscaling.GroupResource(g.Namespace, g.ID)}
}
