package control

import (
	"slices"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
)

// The functions here look at, and change, how far an instance is into its
// balancers and access lists. Changes replace the slice: the old one is shared.

func anyList(i *autoscaling.Instance, states ...autoscaling.AttachmentState) bool {
	for _, l := range i.AccessLists {
		if slices.Contains(states, l.State) {
			return true
		}
	}
	return false
}

func anyBalancer(i *autoscaling.Instance, states ...autoscaling.AttachmentState) bool {
	for _, b := range i.Balancers {
		if slices.Contains(states, b.State) {
			return true
		}
	}
	return false
}

// attached says whether its address may be in a list or balancer.
func attached(i *autoscaling.Instance) bool {
	return anyList(i, autoscaling.AttachmentAdding, autoscaling.AttachmentActive, autoscaling.AttachmentRemoving) ||
		anyBalancer(i, autoscaling.AttachmentAdding, autoscaling.AttachmentActive, autoscaling.AttachmentDraining, autoscaling.AttachmentRemoving)
}

// setLists moves the attachments in one of the states from to another.
func setLists(i *autoscaling.Instance, to autoscaling.AttachmentState, from ...autoscaling.AttachmentState) {
	if !anyList(i, from...) {
		return
	}
	i.AccessLists = slices.Clone(i.AccessLists)
	for n := range i.AccessLists {
		if slices.Contains(from, i.AccessLists[n].State) {
			i.AccessLists[n].State = to
		}
	}
}

func setBalancers(i *autoscaling.Instance, to autoscaling.AttachmentState, from ...autoscaling.AttachmentState) {
	if !anyBalancer(i, from...) {
		return
	}
	i.Balancers = slices.Clone(i.Balancers)
	for n := range i.Balancers {
		if b := &i.Balancers[n]; slices.Contains(from, b.State) {
			b.State = to
			if to == autoscaling.AttachmentAdding {
				b.Healthy, b.Checked = false, false
			}
		}
	}
}

// listNames are the access lists of an instance, for people.
func listNames(i *autoscaling.Instance) string {
	names := make([]string, 0, len(i.AccessLists))
	for _, l := range i.AccessLists {
		names = append(names, l.Provider+"/"+l.List)
	}
	return strings.Join(names, ", ")
}

// poolNames are the pools of an instance, for people.
func poolNames(i *autoscaling.Instance) string {
	names := make([]string, 0, len(i.Balancers))
	for _, b := range i.Balancers {
		names = append(names, b.Provider+"/"+b.Pool)
	}
	return strings.Join(names, ", ")
}

// moveList moves one attachment if it is in the state from.
func moveList(i *autoscaling.Instance, provider, list string, from, to autoscaling.AttachmentState) bool {
	for n, l := range i.AccessLists {
		if l.Provider == provider && l.List == list && l.State == from {
			i.AccessLists = slices.Clone(i.AccessLists)
			i.AccessLists[n].State = to
			return true
		}
	}
	return false
}

// changeBalancer changes the instance's attachments to a pool (there may be one
// per port); change says whether it did.
func changeBalancer(i *autoscaling.Instance, provider, pool string, change func(*autoscaling.BalancerAttachment) bool) bool {
	changed := false
	for n, b := range i.Balancers {
		if b.Provider != provider || b.Pool != pool || !change(&b) {
			continue
		}
		if !changed {
			i.Balancers = slices.Clone(i.Balancers)
			changed = true
		}
		i.Balancers[n] = b
	}
	return changed
}
