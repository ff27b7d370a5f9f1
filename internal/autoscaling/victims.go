package autoscaling

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// VictimRules say who of a group goes on scale-in.
type VictimRules struct {
	Group *Group
	// Load is how busy an instance is, for LEAST_BUSY. Nil, or not known: it does
	// not tell instances apart.
	Load func(InstanceID) (load float64, known bool)
}

// PickVictims chooses among a group's live instances those that leave when its
// capacity goes down by n, in the order in which they leave. It never chooses
// more than n of capacity.
//
// Those not yet made go first, then those on their way in, then those in
// service. Among equals: the unhealthy; those that were not attached (where the
// group says so); those in zones that the group no longer has; those in the
// fullest zone (with PRIORITY the last one); then the policies, each a filter;
// then the id. Protected, standby and leaving ones are never chosen; one that
// has no machine yet is nobody's to protect.
func PickVictims(r VictimRules, live []*Instance, n int32) []*Instance {
	if n <= 0 {
		return nil
	}
	crowd := Crowd{}
	stages := map[int][]victim{}
	for _, i := range live {
		if i.State.Counted() {
			crowd[i.Zone] += i.Capacity()
		}
		if isCandidate(i) {
			s := r.stage(i)
			stages[s] = append(stages[s], r.victim(i))
		}
	}
	var picked []*Instance
	for s := range victimStages {
		if len(stages[s]) > 0 && n > 0 {
			picked, n = r.pickStage(picked, stages[s], crowd, n)
		}
	}
	return picked
}

func isCandidate(i *Instance) bool {
	return i.State == Initial || i.State.Counted() && !i.Protected
}

const victimStages = 3 << 3

// stage orders what comes before zones and policies; lower goes first.
func (r VictimRules) stage(i *Instance) int {
	s := 2
	switch {
	case i.State == Initial:
		s = 0
	case i.State.Launching():
		s = 1
	}
	s <<= 1
	if i.Health != HealthUnhealthy {
		s |= 1
	}
	s <<= 1
	if r.Group.AttachedLast && i.Origin == OriginAttached {
		s |= 1
	}
	s <<= 1
	if r.Group.HasZone(i.Zone) {
		s |= 1
	}
	return s
}

// pickStage takes from zone after zone. Each zone's candidates are in the order
// of the policies, so the choice is always between the zones' first ones.
func (r VictimRules) pickStage(picked []*Instance, stage []victim, crowd Crowd, n int32) ([]*Instance, int32) {
	byZone := map[string][]victim{}
	var zones []string
	slices.SortFunc(stage, compareVictims)
	for _, v := range stage {
		if byZone[v.Zone] == nil {
			zones = append(zones, v.Zone)
		}
		byZone[v.Zone] = append(byZone[v.Zone], v)
	}
	// Ends: every turn takes a candidate out of byZone.
	for n > 0 {
		best := ""
		for _, z := range zones {
			if len(byZone[z]) > 0 && (best == "" || r.zoneFirst(z, best, crowd, byZone)) {
				best = z
			}
		}
		if best == "" {
			break
		}
		v := byZone[best][0]
		byZone[best] = byZone[best][1:]
		if w := v.Capacity(); w <= n {
			n -= w
			crowd[best] -= w
			picked = append(picked, v.Instance)
		}
	}
	return picked, n
}

func (r VictimRules) zoneFirst(a, b string, crowd Crowd, byZone map[string][]victim) bool {
	if r.Group.ZonePolicy == ZonePriority {
		if pa, pb := r.priority(a), r.priority(b); pa != pb {
			return pa > pb
		}
	} else if crowd[a] != crowd[b] {
		return crowd[a] > crowd[b]
	}
	return compareVictims(byZone[a][0], byZone[b][0]) < 0
}

// priority is a zone's place in the group's order; one that it does not have is last.
func (r VictimRules) priority(zone string) int {
	for at, z := range r.Group.Zones {
		if z.Name == zone {
			return at
		}
	}
	return len(r.Group.Zones)
}

// victim is a candidate with what each policy says of it: a chain of filters is
// an order by the first policy, then the second, and so on.
type victim struct {
	*Instance
	keys []float64 // lower goes first
}

func compareVictims(a, b victim) int {
	if c := slices.Compare(a.keys, b.keys); c != 0 {
		return c
	}
	return cmp.Compare(a.ID, b.ID)
}

func (r VictimRules) victim(i *Instance) victim {
	policies := r.Group.TerminationPolicies
	if len(policies) == 0 {
		policies = []TerminationRule{TerminateDefault}
	}
	v := victim{Instance: i, keys: make([]float64, 0, len(policies)+1)}
	for _, p := range policies {
		switch p {
		case TerminateDefault:
			v.keys = append(v.keys, r.firstUse(i), float64(i.CreateTime))
		case TerminateOldestInstance:
			v.keys = append(v.keys, float64(i.CreateTime))
		case TerminateNewestInstance:
			v.keys = append(v.keys, -float64(i.CreateTime))
		case TerminateOldestConfiguration:
			v.keys = append(v.keys, r.firstUse(i))
		case TerminateLeastBusy:
			v.keys = append(v.keys, r.load(i))
		case TerminateRandomSeeded:
			v.keys = append(v.keys, seeded(r.Group.UID, i.ID))
		}
	}
	return v
}

// firstUse is a configuration's age: when the group first used it.
func (r VictimRules) firstUse(i *Instance) float64 {
	for _, u := range r.Group.FirstUse {
		if u.Configuration == i.Configuration && u.Version == i.Version {
			return float64(u.Time)
		}
	}
	return 0 // not used by the group's own launches: older than all that are
}

func (r VictimRules) load(i *Instance) float64 {
	if r.Load != nil {
		if load, known := r.Load(i.ID); known {
			return load
		}
	}
	return 0
}

// seeded is a number that looks random and is the same on every node.
func seeded(group UID, id InstanceID) float64 {
	h := fnv.New64a()
	h.Write([]byte(group))
	h.Write([]byte(id))
	return float64(mix(h.Sum64()) >> 11)
}
