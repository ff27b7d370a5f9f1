package plan

import (
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// Fact is something to report: what an answer from outside, or an observation,
// means for the state. Facts may be written late, or twice.
type Fact = func(tx *fsm.Tx, o control.Operations) error
