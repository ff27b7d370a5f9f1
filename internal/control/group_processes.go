package control

import (
	"fmt"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// ProcessesRequest names processes of a group.
type ProcessesRequest struct {
	Caller
	Name      GroupName
	Processes []autoscaling.Process // at least one
}

// SuspendProcesses adds to the group's suspended processes.
func (o Operations) SuspendProcesses(tx *fsm.Tx, req ProcessesRequest) (*autoscaling.Group, error) {
	return o.setSuspended(tx, req, autoscaling.EventProcessesSuspended, "suspended", func(now []autoscaling.Process) []autoscaling.Process {
		return autoscaling.SortProcesses(append(slices.Clone(now), req.Processes...))
	})
}

// ResumeProcesses takes from them. With ALARM alarms in ALARM ask again; what
// LAUNCH and TERMINATE held is made up for; scheduled runs are not caught up.
func (o Operations) ResumeProcesses(tx *fsm.Tx, req ProcessesRequest) (*autoscaling.Group, error) {
	return o.setSuspended(tx, req, autoscaling.EventProcessesResumed, "resumed", func(now []autoscaling.Process) []autoscaling.Process {
		return autoscaling.SortProcesses(slices.DeleteFunc(slices.Clone(now), func(p autoscaling.Process) bool {
			return slices.Contains(req.Processes, p)
		}))
	})
}

func (o Operations) setSuspended(tx *fsm.Tx, req ProcessesRequest, t autoscaling.EventType, did string, change func([]autoscaling.Process) []autoscaling.Process) (*autoscaling.Group, error) {
	g, err := changeableGroup(tx, req.Name)
	if err != nil {
		return nil, err
	}
	if len(req.Processes) == 0 {
		return nil, autoscaling.FieldErrorf("processes", "at least one process is required")
	}
	if err := autoscaling.ValidateProcesses("processes", req.Processes); err != nil {
		return nil, err
	}
	next := change(g.Suspended)
	if slices.Equal(next, g.Suspended) {
		return g, nil
	}
	c := *g
	c.Suspended = next
	c.Generation++
	touch(tx, &c.Meta)
	putGroup(tx, &c)
	tx.Emit(groupEvent(&c, t, "", fmt.Sprintf("%s %s %v of group %s", req.name(), did, req.Processes, c.ID)))
	askAgain(tx, g, &c)
	return tx.Group(c.UID), nil
}
