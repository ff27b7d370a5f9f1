package server

import (
	"context"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler/plan"
)

// traffic feeds this node's built-in balancers from its applied state, so that
// serving depends on no leader: whatever node answers, it serves what it knows.
type traffic struct {
	machine *fsm.Machine
	edges   map[string]*edge
	// parts are the groups' shares of our pools.
	parts map[plan.SetKey]map[autoscaling.UID][]providers.Target
	keys  map[autoscaling.UID][]plan.SetKey // where a group has a part
}

func newTraffic(m *fsm.Machine, edges map[string]*edge) *traffic {
	return &traffic{
		machine: m, edges: edges,
		parts: map[plan.SetKey]map[autoscaling.UID][]providers.Target{}, keys: map[autoscaling.UID][]plan.SetKey{},
	}
}

// Run follows the applied state until ctx ends.
func (t *traffic) Run(ctx context.Context) error {
	if len(t.edges) == 0 {
		<-ctx.Done()
		return nil
	}
	changes := t.machine.Subscribe()
	defer changes.Close()
	t.follow(fsm.Change{All: true})
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changes.Ready:
			t.follow(changes.Take())
		}
	}
}

// follow brings the pools to the newest applied state; the change says which
// groups may differ from what was served before.
func (t *traffic) follow(change fsm.Change) {
	view := t.machine.View() // after Take: it holds at least what the change told of
	_, index := view.LogPosition()
	touched := map[plan.SetKey]bool{}
	if change.All {
		for key := range t.parts {
			touched[key] = true
		}
		clear(t.parts)
		clear(t.keys)
		for g := range view.Groups("") {
			t.read(view, g.UID, touched)
		}
	} else {
		for _, group := range change.Groups {
			t.read(view, group, touched)
		}
	}
	for key := range touched {
		var targets []providers.Target
		for _, part := range t.parts[key] {
			targets = append(targets, part...)
		}
		t.edges[key.Provider].server.SetTargets(key.Name, index, targets)
	}
	for _, e := range t.edges {
		e.server.SetApplied(index)
	}
}

func (t *traffic) read(view fsm.View, group autoscaling.UID, touched map[plan.SetKey]bool) {
	for _, key := range t.keys[group] {
		delete(t.parts[key], group)
		touched[key] = true
	}
	delete(t.keys, group)
	for _, share := range plan.PoolShares(view.Reader, group) {
		if t.edges[share.Key.Provider] == nil {
			continue
		}
		if t.parts[share.Key] == nil {
			t.parts[share.Key] = map[autoscaling.UID][]providers.Target{}
		}
		t.parts[share.Key][group] = share.Targets
		t.keys[group] = append(t.keys[group], share.Key)
		touched[share.Key] = true
	}
}
