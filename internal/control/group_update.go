package control

import (
	"maps"
	"reflect"
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// UpdateGroupRequest asks for a change of what people say of a group.
type UpdateGroupRequest struct {
	Caller
	Name GroupName
	Etag string
	// DesiredNamed says that Change sets desired: then out of range is refused
	// instead of moving it.
	DesiredNamed bool
	// Change edits copies of the meta data and the spec; slices, maps and what
	// pointers point to are replaced, not changed in place.
	Change func(*autoscaling.Meta, *autoscaling.GroupSpec) error
}

// UpdateGroup changes a group's spec; a changed desired opens an activity. Its
// refusals are errors: there is no activity to answer with. No change writes
// nothing.
func (o Operations) UpdateGroup(tx *fsm.Tx, req UpdateGroupRequest) (*autoscaling.Group, error) {
	was, err := changeableGroup(tx, req.Name)
	if err != nil {
		return nil, err
	}
	if err := checkEtag(groupResource(was), req.Etag, &was.Meta); err != nil {
		return nil, err
	}
	g := *was
	if err := req.Change(&g.Meta, &g.GroupSpec); err != nil {
		return nil, err
	}
	g.Meta = fixedMeta(was.Meta, g.Meta)
	if err := autoscaling.ValidateMeta("group_id", &g.Meta); err != nil {
		return nil, err
	}
	if err := o.checkSpec(tx, &g, was); err != nil {
		return nil, err
	}
	if err := checkGroupNames(tx, &g); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(g.GroupSpec, was.GroupSpec) && maps.Equal(g.Labels, was.Labels) && maps.Equal(g.ExternalNames, was.ExternalNames) {
		return was, nil
	}
	a := manual(req.Caller, "updated group "+g.ID)
	a.cooldown = g.DefaultCooldown
	if _, r := o.reshape(tx, was, g, req.DesiredNamed, &a); r != nil {
		return nil, fieldOf(r.err(tx, was), "desired_capacity")
	}
	return tx.Group(g.UID), nil
}

// reshape gives a group a changed spec. Where desired was not named it moves into
// the bounds; where it was, it is a request to change it, which may be refused.
// Nothing is written then. It answers the activity when desired moved.
func (o Operations) reshape(tx *fsm.Tx, was *autoscaling.Group, g autoscaling.Group, desiredNamed bool, a *asking) (activity *autoscaling.Activity, refused *refusal) {
	to := g.Desired
	if desiredNamed {
		if r := inBounds(&g, to); r != nil {
			return nil, r
		}
		if r := o.admitNamed(tx, was, &g, to, a); r != nil {
			return nil, r
		}
	} else {
		to = min(max(was.Desired, g.Min), g.Max)
	}
	g.Desired = was.Desired
	if to != was.Desired || a.trigger.Kind == autoscaling.TriggerScheduled {
		a.fired(tx, was)
	}
	if !sameSpec(&g, was) {
		g.Generation++
		tx.Emit(groupEvent(&g, autoscaling.EventGroupUpdated, "", a.who))
	}
	if g.Configuration.ID != "" {
		clearCondition(tx, &g, autoscaling.ConditionNoConfiguration)
	}
	if g.Configuration != was.Configuration {
		freshStart(tx, &g)
	}
	if g.ZoneRebalance != was.ZoneRebalance || !slices.Equal(g.Zones, was.Zones) {
		g.RebalanceTime = 0 // the attempt that failed was another one
	}
	if to != was.Desired {
		activity = o.resize(tx, &g, to, a)
	} else {
		touch(tx, &g.Meta)
		putGroup(tx, &g)
	}
	askAgain(tx, was, &g)
	return activity, nil
}

// admitNamed is the admission of a desired that an update names.
func (o Operations) admitNamed(tx *fsm.Tx, was, g *autoscaling.Group, to int32, a *asking) *refusal {
	if to == was.Desired {
		return nil
	}
	a.ifPaused, a.whileBusy, a.inCooldown = true, true, true
	if r := admit(tx, was, a); r != nil {
		return r
	}
	c := *g
	c.Desired = was.Desired
	return o.admitChange(tx, &c, to)
}

func sameSpec(a, b *autoscaling.Group) bool {
	return reflect.DeepEqual(a.GroupSpec, b.GroupSpec)
}

// attachmentsDiffer says whether what instances are attached to, or what is asked
// of it, changed.
func attachmentsDiffer(a, b *autoscaling.Group) bool {
	return !slices.Equal(a.Balancers, b.Balancers) || !slices.Equal(a.AccessLists, b.AccessLists) ||
		!slices.Equal(a.HealthCheck.Types, b.HealthCheck.Types) || a.Configuration != b.Configuration
}

// fieldOf names the field of an error about the bounds.
func fieldOf(err error, field string) error {
	if e, ok := err.(*autoscaling.Error); ok && e.Reason == autoscaling.OutOfRange {
		e.Field = field
	}
	return err
}
