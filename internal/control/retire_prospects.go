package control

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// retirement is an instance that leaves when its replacement serves.
type retirement struct {
	victim *autoscaling.Instance
	zone   string // of the replacement
	kind   autoscaling.InstanceType
	why    string
}

// prospects are what replacements can be made of now. They are found without
// writing, so that whether there is something to do and what is done agree.
type prospects struct {
	g     *autoscaling.Group
	room  int32 // capacity
	most  int   // replacements
	open  []string
	types map[string][]autoscaling.InstanceType
	crowd autoscaling.Crowd
}

// prospectsOf answers nil when no replacement can be launched now: launches or
// removals are suspended or held, or there is no room within surge. Unlike a
// launch that makes up for what is missing, a replacement never goes where a
// back-off holds: the one that it replaces serves.
func prospectsOf(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) *prospects {
	v := configurationOf(r, g)
	if v == nil || g.State != autoscaling.GroupActive ||
		suspends(g, autoscaling.ProcessLaunch) || suspends(g, autoscaling.ProcessTerminate) ||
		Holds(g, autoscaling.ConditionProviderDown) {
		return nil
	}
	p := &prospects{g: g, crowd: autoscaling.Crowd{}, most: maxReplacements}
	if Holds(g, autoscaling.ConditionLaunchSuspended) { // one at a time is tried, also of these
		if p.most = 1; launching(r.Counts(g.UID)) > 0 {
			return nil
		}
	}
	if p.open, p.types = openPlacements(g, v, now); len(p.open) == 0 {
		return nil
	}
	var usage autoscaling.Usage
	gone := retiring(r, g.UID)
	for i := range r.Instances(g.UID) {
		usage.Add(i)
		if i.State.Counted() && !gone[i.ID] {
			p.crowd[i.Zone] += i.Capacity()
		}
	}
	room, _ := usage.Room(&g.GroupSpec)
	p.room = min(room, g.Desired+g.Surge()-r.Counts(g.UID).Capacity)
	if p.room <= 0 {
		return nil
	}
	return p
}

// place finds the placement of an instance's replacement: in the zone, or, when
// that is "", in one by the group's zone policy, as if the instance were gone. A
// replacement counts for no more than the one that it replaces.
func (p *prospects) place(victim *autoscaling.Instance, zone, why string) (retirement, bool) {
	if p.most == 0 {
		return retirement{}, false
	}
	capacity := victim.Capacity()
	p.crowd[victim.Zone] -= capacity
	open := p.open
	if zone != "" {
		open = []string{zone}
	}
	for len(open) > 0 {
		z := autoscaling.PickZone(p.g.ZonePolicy, open, p.crowd)
		at := slices.IndexFunc(p.types[z], func(t autoscaling.InstanceType) bool { return max(t.Weight, 1) <= min(p.room, capacity) })
		if at >= 0 {
			t := p.types[z][at]
			p.room -= max(t.Weight, 1)
			p.most--
			p.crowd[z] += max(t.Weight, 1)
			return retirement{victim: victim, zone: z, kind: t, why: why}, true
		}
		open = slices.DeleteFunc(slices.Clone(open), func(o string) bool { return o == z })
	}
	p.crowd[victim.Zone] += capacity
	return retirement{}, false
}

// tooHeavy says whether all types count for more than the instance: no
// replacement could be launched beside it, ever.
func tooHeavy(r fsm.Reader, g *autoscaling.Group, i *autoscaling.Instance) bool {
	v := configurationOf(r, g)
	return v != nil && lightest(v) > i.Capacity()
}
