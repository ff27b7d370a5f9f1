package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// CreateGroupRequest asks for a new group. Spec begins as
// autoscaling.DefaultGroupSpec.
type CreateGroupRequest struct {
	Caller
	Namespace string
	NewMeta
	Spec autoscaling.GroupSpec
	// DesiredNamed says that the caller named desired; else it is min.
	DesiredNamed bool
	Paused       bool
	// Hooks are there before the first instance is.
	Hooks []NewHook
}

// CreateGroup makes a group and opens its first activity, unless it is paused,
// empty, or has no configuration yet.
func (o Operations) CreateGroup(tx *fsm.Tx, req CreateGroupRequest) (*autoscaling.Group, error) {
	g := autoscaling.Group{Meta: newMeta(tx, req.Namespace, req.NewMeta), GroupSpec: req.Spec}
	g.State = autoscaling.GroupActive
	if req.Paused {
		g.State = autoscaling.GroupPaused
	}
	if !req.DesiredNamed {
		g.Desired = g.Min
	}
	if err := o.checkNewGroup(tx, &g); err != nil {
		return nil, err
	}
	g.UID = tx.NewUID()
	desired := g.Desired
	g.Desired = 0
	g.Generation = 1
	putGroup(tx, &g)
	tx.Emit(groupEvent(&g, autoscaling.EventGroupCreated, "", fmt.Sprintf("min_size %d, desired capacity %d, max_size %d", g.Min, desired, g.Max)))
	if err := declareHooks(tx, &g, req.Hooks); err != nil {
		return nil, err
	}
	o.fill(tx, g, desired, manual(req.Caller, "created group "+g.ID))
	return tx.Group(g.UID), nil
}

// fill gives a new group its first desired capacity, by an activity where it can
// launch.
func (o Operations) fill(tx *fsm.Tx, g autoscaling.Group, desired int32, a asking) {
	if desired > 0 && g.State == autoscaling.GroupActive && g.Configuration.ID != "" && !suspends(&g, autoscaling.ProcessLaunch) {
		a.cooldown = g.DefaultCooldown
		g.Revision, g.Generation = 0, 0 // moving desired makes it the first of each
		o.resize(tx, &g, desired, &a)
		return
	}
	g.Desired = desired
	if g.Configuration.ID == "" {
		raise(tx, &g, autoscaling.ConditionNoConfiguration, "NO_CONFIGURATION", noConfigurationMessage)
	}
	putGroup(tx, &g)
}

func (o Operations) checkNewGroup(tx *fsm.Tx, g *autoscaling.Group) error {
	if err := autoscaling.ValidateMeta("group_id", &g.Meta); err != nil {
		return err
	}
	if tx.GroupByID(g.Namespace, g.ID) != nil {
		return alreadyExists(groupResource(g))
	}
	if tx.GroupCount() >= MaxGroups {
		return autoscaling.Errorf(autoscaling.LimitExceeded, "there are %d groups, as many as there may be", MaxGroups)
	}
	if err := o.checkSpec(tx, g, nil); err != nil {
		return err
	}
	if r := inBounds(g, g.Desired); r != nil {
		return fieldOf(r.err(tx, g), "desired_capacity")
	}
	return checkGroupNames(tx, g)
}

func checkGroupNames(tx *fsm.Tx, g *autoscaling.Group) error {
	return checkExternalNames(&g.Meta, metas(func(g *autoscaling.Group) *autoscaling.Meta { return &g.Meta }, tx.Groups(g.Namespace)))
}

// checkSpec brings a spec into its form and checks it, with what it refers to.
// Of what was there before (was, may be nil) only what changed is checked: a pool
// that is down now must not keep a group from being changed otherwise.
func (o Operations) checkSpec(tx *fsm.Tx, g, was *autoscaling.Group) error {
	autoscaling.NormalizeGroup(&g.GroupSpec)
	if err := autoscaling.ValidateGroup(&g.GroupSpec); err != nil {
		return err
	}
	var v *autoscaling.ConfigurationVersion
	if g.Configuration.ID != "" {
		if c, err := FindConfiguration(tx.Reader, ConfigurationName{g.Namespace, g.Configuration.ID}); err == nil {
			g.Configuration.ID = c.ID
		}
		if was == nil || g.Configuration != was.Configuration {
			found, problem := o.usable(tx.Reader, g)
			if problem != nil {
				return problem
			}
			v = found
		} else {
			v, _ = resolve(tx.Reader, g)
		}
	}
	if was == nil || attachmentsDiffer(g, was) {
		if problem := o.checkAttachments(g, v); problem != nil {
			return problem
		}
	}
	return nil
}
