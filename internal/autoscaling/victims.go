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
	// Spare are never chosen, though they count for their zones.
	Spare map[InstanceID]bool
}

// Choice is an instance that was chosen to leave, and why it and not another.
// Only the first MaxVictims choices say why: more are not kept.
type Choice struct {
	*Instance
	Why string
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
func PickVictims(r VictimRules, live []*Instance, n int32) []Choice {
	if n <= 0 {
		return nil
	}
	crowd := Crowd{}
	stages := map[int][]victim{}
	for _, i := range live {
		if i.State.Counted() {
			crowd[i.Zone] += i.Capacity()
		}
		if isCandidate(i) && !r.Spare[i.ID] {
			s := r.stage(i)
			stages[s] = append(stages[s], r.victim(i))
		}
	}
	p := picking{rules: r, crowd: crowd, left: n}
	for s := range victimStages {
		if len(stages[s]) > 0 && p.left > 0 {
			p.pickStage(stages[s])
		}
	}
	return p.picked
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
	case i.State.Launching() && !i.Served: // not who comes back from standby, or by a ROLLBACK
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

// picking is a choice being made.
type picking struct {
	rules  VictimRules
	crowd  Crowd
	left   int32 // capacity that is still to go
	picked []Choice
}

// pickStage takes from zone after zone. Each zone's candidates are in the order
// of the policies, so the choice is always between the zones' first ones.
func (p *picking) pickStage(stage []victim) {
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
	for p.left > 0 {
		best := ""
		for _, z := range zones {
			if len(byZone[z]) > 0 && (best == "" || p.zoneFirst(z, best, byZone)) {
				best = z
			}
		}
		if best == "" {
			break
		}
		v := byZone[best][0]
		if w := v.Capacity(); w <= p.left {
			c := Choice{Instance: v.Instance}
			if len(p.picked) < MaxVictims {
				c.Why = p.why(v, byZone)
			}
			p.picked = append(p.picked, c)
			p.left -= w
			p.crowd[best] -= w
		}
		byZone[best] = byZone[best][1:]
	}
}

func (p *picking) zoneFirst(a, b string, byZone map[string][]victim) bool {
	if p.rules.Group.ZonePolicy == ZonePriority {
		if pa, pb := p.rules.priority(a), p.rules.priority(b); pa != pb {
			return pa > pb
		}
	} else if p.crowd[a] != p.crowd[b] {
		return p.crowd[a] > p.crowd[b]
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

// filters are the group's policies, each as the keys that it orders by.
func (r VictimRules) filters() []TerminationRule {
	policies := r.Group.TerminationPolicies
	if len(policies) == 0 {
		policies = []TerminationRule{TerminateDefault}
	}
	filters := make([]TerminationRule, 0, len(policies)+1)
	for _, p := range policies {
		if p == TerminateDefault {
			filters = append(filters, TerminateOldestConfiguration, TerminateOldestInstance)
		} else {
			filters = append(filters, p)
		}
	}
	return filters
}

func (r VictimRules) victim(i *Instance) victim {
	filters := r.filters()
	v := victim{Instance: i, keys: make([]float64, len(filters))}
	for n, p := range filters {
		switch p {
		case TerminateOldestInstance:
			v.keys[n] = float64(i.CreateTime)
		case TerminateNewestInstance:
			v.keys[n] = -float64(i.CreateTime)
		case TerminateOldestConfiguration:
			v.keys[n] = float64(r.firstUse(i))
		case TerminateLeastBusy:
			v.keys[n] = r.load(i)
		case TerminateRandomSeeded:
			v.keys[n] = seeded(r.Group.UID, i.ID)
		}
	}
	return v
}

// firstUse is a configuration's age: when the group first used it.
func (r VictimRules) firstUse(i *Instance) Time {
	for _, u := range r.Group.FirstUse {
		if u.Configuration == i.Configuration && u.Version == i.Version {
			return u.Time
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
