package control

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// launch records INITIAL instances that add up to n of capacity, belonging to a,
// with configuration, zone, type and attachments fixed, and counts them in
// a.Launches. It makes fewer where the runaway bound, suspended launches or a
// missing configuration say so, notes that on a, and answers the capacity that it
// made. Whom a back-off holds waits as INITIAL. a and g are the caller's own
// copies; both are put.
func (o Operations) launch(tx *fsm.Tx, g *autoscaling.Group, a *autoscaling.Activity, n int32) int32 {
	if n <= 0 {
		return 0
	}
	l := o.prepare(tx, g, a)
	made := int32(0)
	for l != nil && made < n {
		capacity, ok := l.one()
		if !ok {
			break
		}
		made += capacity
	}
	putGroup(tx, g)
	putActivity(tx, a)
	return made
}

// launcher makes one instance after another of what it found once.
type launcher struct {
	tx    *fsm.Tx
	group *autoscaling.Group
	by    *autoscaling.Activity

	version     *autoscaling.ConfigurationVersion
	balancers   []autoscaling.BalancerAttachment
	accessLists []autoscaling.AccessListAttachment

	room  int32 // capacity, by the runaway bound
	open  []string
	types map[string][]autoscaling.InstanceType // of each open zone, those that need not wait
	crowd autoscaling.Crowd
}

// prepare answers nil, and says why on the activity, when nothing can be launched.
func (o Operations) prepare(tx *fsm.Tx, g *autoscaling.Group, a *autoscaling.Activity) *launcher {
	if suspends(g, autoscaling.ProcessLaunch) {
		addNote(a, "process LAUNCH is suspended: instances are launched when it is resumed")
		return nil
	}
	v, problem := resolve(tx.Reader, g)
	if problem != nil {
		addNote(a, problem.Message)
		return nil
	}
	a.Configuration, a.Version = v.Configuration, v.Version
	l := &launcher{tx: tx, group: g, by: a, version: v}
	l.attach()
	if !l.findRoom() {
		return nil
	}
	l.findZones()
	l.firstUse()
	return l
}

// attach fixes what the instances are put behind and let into.
func (l *launcher) attach() {
	// Also while LOAD_BALANCER is suspended: then they stay as they are, pending.
	for _, b := range l.group.Balancers {
		l.balancers = append(l.balancers, autoscaling.BalancerAttachment{
			Provider: b.Provider, Pool: b.Pool, Port: targetPort(b, l.version), Weight: b.Weight, DrainTimeout: b.DrainTimeout,
		})
	}
	for _, list := range l.group.AccessLists {
		l.accessLists = append(l.accessLists, autoscaling.AccessListAttachment{Provider: list.Provider, List: list.List})
	}
}

// findRoom looks at who is there: how many more there may be, and where they are.
func (l *launcher) findRoom() bool {
	var usage autoscaling.Usage
	l.crowd = autoscaling.Crowd{}
	for i := range l.tx.Instances(l.group.UID) {
		usage.Add(i)
		if i.State.Counted() {
			l.crowd[i.Zone] += i.Capacity()
		}
	}
	room, waiting := usage.Room(&l.group.GroupSpec)
	if waiting {
		addNote(l.by, "launches wait until machines that leave are confirmed gone")
	}
	l.room = room
	return room > 0
}

// findZones finds those in which a launch need not wait, and in each the types
// that need not. When launches are held everywhere, all zones and types will do.
func (l *launcher) findZones() {
	l.open, l.types = openPlacements(l.group, l.version, l.tx.Now())
	if len(l.open) > 0 {
		return
	}
	addNote(l.by, "launches are held after failures: "+l.group.LastLaunchError)
	for _, z := range l.group.Zones {
		l.open = append(l.open, z.Name)
		l.types[z.Name] = typesOf(l.version)
	}
}

// openPlacements are the zones, in the group's order, and in each the types that
// no back-off holds.
func openPlacements(g *autoscaling.Group, v *autoscaling.ConfigurationVersion, now autoscaling.Time) (zones []string, types map[string][]autoscaling.InstanceType) {
	types = map[string][]autoscaling.InstanceType{}
	for _, z := range g.Zones {
		for _, t := range typesOf(v) {
			if !autoscaling.BackoffHolds(g.Backoffs, v.Template.Provider, z.Name, t.Type, now) {
				types[z.Name] = append(types[z.Name], t)
			}
		}
		if len(types[z.Name]) > 0 {
			zones = append(zones, z.Name)
		}
	}
	return zones, types
}

// typesOf are the types that a version's machines may be of, at least one.
func typesOf(v *autoscaling.ConfigurationVersion) []autoscaling.InstanceType {
	if len(v.Template.InstanceTypes) == 0 {
		return []autoscaling.InstanceType{{Weight: 1}}
	}
	return v.Template.InstanceTypes
}

// lightest is the least that an instance of the version counts for.
func lightest(v *autoscaling.ConfigurationVersion) int32 {
	least := int32(autoscaling.MaxSize)
	for _, t := range typesOf(v) {
		least = min(least, max(t.Weight, 1))
	}
	return least
}

// lightestOpen is the least that an instance counts for that no back-off holds; 0
// where all are held.
func lightestOpen(g *autoscaling.Group, v *autoscaling.ConfigurationVersion, now autoscaling.Time) int32 {
	least := int32(0)
	_, types := openPlacements(g, v, now)
	for _, zone := range types {
		for _, t := range zone {
			if w := max(t.Weight, 1); least == 0 || w < least {
				least = w
			}
		}
	}
	return least
}

// firstUse dates the version for the termination policies.
func (l *launcher) firstUse() {
	use := autoscaling.ConfigurationUse{Configuration: l.version.Configuration, Version: l.version.Version, Time: l.tx.Now()}
	for _, u := range l.group.FirstUse {
		if u.Configuration == use.Configuration && u.Version == use.Version {
			return
		}
	}
	l.group.FirstUse = append(slices.Clone(l.group.FirstUse), use)
	if over := len(l.group.FirstUse) - maxFirstUse; over > 0 {
		// What drops out counts as older than all that stays.
		l.group.FirstUse = slices.Clone(l.group.FirstUse[over:])
	}
}

// maxFirstUse bounds what a group remembers of the versions that it has used.
const maxFirstUse = 100

// one makes an instance of the first type that there is room for, in the zone that
// comes first and has such a type; it answers its capacity, and false when each
// weighs more than what is left.
func (l *launcher) one() (int32, bool) {
	for open := l.open; len(open) > 0; {
		zone := autoscaling.PickZone(l.group.ZonePolicy, open, l.crowd)
		at := slices.IndexFunc(l.types[zone], func(t autoscaling.InstanceType) bool { return max(t.Weight, 1) <= l.room })
		if at >= 0 {
			return l.make(zone, l.types[zone][at], ""), true
		}
		open = slices.DeleteFunc(slices.Clone(open), func(z string) bool { return z == zone })
	}
	return 0, false
}

// make makes an instance, which may be another's replacement; it answers its
// capacity.
func (l *launcher) make(zone string, t autoscaling.InstanceType, replaces autoscaling.InstanceID) int32 {
	i := autoscaling.Instance{
		ID: l.tx.NewInstanceID(), Group: l.group.UID, Zone: zone,
		Configuration: l.version.Configuration, Version: l.version.Version, Provider: l.version.Template.Provider,
		InstanceType: t.Type, Weight: t.Weight,
		Activity: l.by.ID, Protected: l.group.NewInstancesProtected, Origin: autoscaling.OriginCreated,
		Balancers: l.balancers, AccessLists: l.accessLists,
		CreateTime: l.tx.Now(), StopTimeout: l.version.Template.StopTimeout, Replaces: replaces,
	}
	l.room -= i.Capacity()
	l.crowd[zone] += i.Capacity()
	l.by.Launches++
	message := ""
	if replaces != "" {
		message = "takes the place of " + string(replaces)
	}
	walk(l.tx, l.group, &i, autoscaling.Initial, message)
	return i.Capacity()
}
