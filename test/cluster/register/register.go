// Package register checks what callers of a register were told. A group's
// desired capacity is one: setting it returns what was there before, so that a
// write is a swap. Every value is written once.
package register

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// The inputs and the output of an operation.
type (
	Swap struct{ Value int32 }
	Read struct{}
	// Was is what was there before, or that no reply came.
	Was struct {
		Value   int32
		Unknown bool
	}
)

// Model is a register that begins with 0.
var Model = porcupine.Model{
	Init: func() any { return int32(0) },
	Step: func(state, input, output any) (bool, any) {
		reply := output.(Was)
		fits := reply.Unknown || reply.Value == state.(int32)
		if write, ok := input.(Swap); ok {
			return fits, write.Value
		}
		return fits, state
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%v → %v", input, output) },
}

// History is what the callers were told. Its methods may be called at once.
type History struct {
	mu   sync.Mutex
	done []porcupine.Operation
}

// Add records an operation that has ended.
func (h *History) Add(op porcupine.Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done = append(h.done, op)
}

// Operations returns the history in a form that is quick to check, and how many
// writes it leaves out. A write of unknown outcome may take effect at any time
// after its call, or never: one whose value nobody was told is left out, and one
// whose value a caller was told had happened before that reply.
func (h *History) Operations() (all []porcupine.Operation, neverSeen int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	firstSeen := map[int32]int64{}
	for _, op := range h.done {
		if reply := op.Output.(Was); !reply.Unknown {
			if at, seen := firstSeen[reply.Value]; !seen || op.Return < at {
				firstSeen[reply.Value] = op.Return
			}
		}
	}
	for _, op := range h.done {
		if op.Output.(Was).Unknown {
			at, seen := firstSeen[op.Input.(Swap).Value]
			if !seen {
				neverSeen++
				continue
			}
			op.Return = max(op.Call, at)
		}
		all = append(all, op)
	}
	slices.SortStableFunc(all, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	return all, neverSeen
}

// Check returns an error when the operations are not linearizable, or when that
// could not be decided in time.
func Check(operations []porcupine.Operation, timeout time.Duration) error {
	switch porcupine.CheckOperationsTimeout(Model, operations, timeout) {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		return fmt.Errorf("the history of %d operations is not linearizable", len(operations))
	default:
		return fmt.Errorf("the history of %d operations could not be checked in %s", len(operations), timeout)
	}
}
