package control

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// lifetimeEnd is when an instance has to be replaced because of its age; 0: never,
// or it has not served yet. Protection is from scale-in only: protected ones are
// replaced too. Time in standby counts; who is there is replaced when back.
func lifetimeEnd(g *autoscaling.Group, i *autoscaling.Instance) autoscaling.Time {
	if g == nil || g.MaxInstanceLifetime == 0 {
		return 0
	}
	return autoscaling.LifetimeEnd(g.MaxInstanceLifetime, servedAt(i), i.ID)
}

// servedAt is when the instance entered service first; 0: not yet.
func servedAt(i *autoscaling.Instance) autoscaling.Time {
	if at := firstServed(i.Timeline); at >= 0 {
		return i.Timeline[at].Time
	}
	if i.Served {
		return i.CreateTime // a record of before this was kept
	}
	return 0
}

// LifetimeDue says whether SetLifetime would write: the group's
// max_instance_lifetime was changed.
func LifetimeDue(g *autoscaling.Group, i *autoscaling.Instance) bool {
	if g.MaxInstanceLifetime == 0 && i.LifetimeUntil == 0 {
		return false
	}
	return (i.State == autoscaling.InService || i.State == autoscaling.Standby) && i.LifetimeUntil != lifetimeEnd(g, i)
}

// SetLifetime makes the end of an instance's lifetime what the group says now.
func (o Operations) SetLifetime(tx *fsm.Tx, group autoscaling.UID, id autoscaling.InstanceID) error {
	g, i := tx.Group(group), live(tx, group, id)
	if g == nil || i == nil || !LifetimeDue(g, i) {
		return nil
	}
	c := *i
	c.LifetimeUntil = lifetimeEnd(g, i)
	tx.PutInstance(&c)
	return nil
}

// expired says whether the instance is older than the group allows.
func expired(i *autoscaling.Instance, now autoscaling.Time) bool {
	return i.State == autoscaling.InService && i.LifetimeUntil != 0 && now >= i.LifetimeUntil
}

func expiredWhy(g *autoscaling.Group, i *autoscaling.Instance) string {
	return fmt.Sprintf("older than max_instance_lifetime (%s), which for this instance ended at %s", g.MaxInstanceLifetime, i.LifetimeUntil)
}

// replaceExpired begins the replacement of instances that are too old: launched
// first, or removed first where there may be none above desired or every type
// counts for more than the instance.
func (o Operations) replaceExpired(tx *fsm.Tx, g *autoscaling.Group, p *upkeep) {
	cause := func(one *autoscaling.Instance, n int) string {
		if n == 1 {
			return "instance " + string(one.ID) + " is " + expiredWhy(g, one)
		}
		return fmt.Sprintf("%d instances are older than max_instance_lifetime (%s)", n, g.MaxInstanceLifetime)
	}
	system := autoscaling.Trigger{Kind: autoscaling.TriggerSystem}
	if n := len(p.old); n > 0 {
		o.retire(tx, g, autoscaling.Activity{Kind: autoscaling.Replace, Trigger: system, Cause: cause(p.old[0].victim, n)}, p.old)
	}
	if n := len(p.oldFirst); n > 0 {
		o.replace(tx, tx.Group(g.UID), p.oldFirst, autoscaling.Activity{Kind: autoscaling.Replace, Trigger: system, Cause: cause(p.oldFirst[0], n)},
			func(i *autoscaling.Instance) string { return expiredWhy(g, i) })
	}
}
