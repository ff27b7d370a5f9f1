package plan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// Whole is all that a list or pool should hold, and who waits for that.
type Whole struct {
	Key     SetKey
	Entries []providers.Entry
	Targets []providers.Target
	waiting []Share
}

// WholeOf puts the groups' shares together.
func WholeOf(key SetKey, shares map[autoscaling.UID]Share) Whole {
	w := Whole{Key: key}
	for _, uid := range slices.Sorted(maps.Keys(shares)) {
		s := shares[uid]
		w.Entries = append(w.Entries, s.Entries...)
		w.Targets = append(w.Targets, s.Targets...)
		if s.Waiting() {
			w.waiting = append(w.waiting, s)
		}
	}
	return w
}

// SameMembers says whether both hold the same.
func (w *Whole) SameMembers(other *Whole) bool {
	return slices.Equal(w.Entries, other.Entries) && slices.Equal(w.Targets, other.Targets)
}

// Waiting says whether writing it is a fact about anybody.
func (w *Whole) Waiting() bool { return len(w.waiting) > 0 }

// Written are the facts that its having been written is, one for each group.
func (w *Whole) Written() []Fact {
	facts := make([]Fact, 0, len(w.waiting))
	for _, s := range w.waiting {
		if w.Key.Kind == List {
			r := control.AccessReport{Group: s.Group, Provider: w.Key.Provider, List: w.Key.Name, Added: s.Adding, Removed: s.Removing}
			facts = append(facts, func(tx *fsm.Tx, o control.Operations) error { return o.ReportAccess(tx, r) })
		} else {
			r := control.TargetsReport{Group: s.Group, Provider: w.Key.Provider, Pool: w.Key.Name, Added: s.Adding, Removed: s.Removing}
			facts = append(facts, func(tx *fsm.Tx, o control.Operations) error { return o.ReportTargets(tx, r) })
		}
	}
	return facts
}

// NotWritten records why the instances that wait for the set wait longer. When
// the set is gone, those that wait to be taken out of it go on without.
func (w *Whole) NotWritten(v fsm.View, err error) []Fact {
	gone := Gone(v, err)
	var facts []Fact
	for _, s := range w.waiting {
		waiting := slices.Concat(s.Adding, s.Removing)
		if gone && len(s.Removing) > 0 {
			r := control.SetGone{
				Group: s.Group, Pool: w.Key.Kind == Pool, Provider: w.Key.Provider, Name: w.Key.Name,
				Instances: s.Removing, Message: err.Error(),
			}
			facts = append(facts, func(tx *fsm.Tx, o control.Operations) error { return o.ReportSetGone(tx, r) })
			waiting = s.Adding
		}
		for _, id := range waiting {
			i := v.Instance(s.Group, id)
			if i != nil && i.Step != autoscaling.StepNone && i.StatusReason != err.Error() {
				facts = append(facts, Machine{Instance: i}.Failure(err.Error(), 0))
			}
		}
	}
	return facts
}

// Gone reports whether an error of writing a set means that the set does not
// exist. A set that is missing in this node's configuration alone is not gone:
// another node, once it leads, can still take instances out of it.
func Gone(v fsm.View, err error) bool {
	if providers.ClassOf(err) != providers.NotFound {
		return false
	}
	digest := ""
	for n := range v.Nodes() {
		if digest != "" && n.ProvidersDigest != "" && n.ProvidersDigest != digest {
			return false
		}
		digest = cmp.Or(digest, n.ProvidersDigest)
	}
	return true
}

// Drains says whether a pool is to let the target drain.
func (w *Whole) Drains(instance string) bool {
	return slices.ContainsFunc(w.Targets, func(t providers.Target) bool { return t.Instance == instance && t.Drain })
}
