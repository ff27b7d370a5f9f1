package explain

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// Findings are what is late or wrong in the namespace, the worst first, then by
// resource.
func Findings(r fsm.Reader, namespace string, now autoscaling.Time) []Finding {
	f := &finder{Reader: r, now: now}
	return f.found
}

// finder gathers findings.
type finder struct {
	fsm.Reader
	now   autoscaling.Time
	found []Finding
}
