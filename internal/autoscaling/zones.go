package autoscaling

// HasZone says whether instances of the group may be in the zone.
func (g *GroupSpec) HasZone(name string) bool {
	for _, z := range g.Zones {
		if z.Name == name {
			return true
		}
	}
	return false
}

// Crowd is how much capacity each zone of a group holds.
type Crowd map[string]int32

// PickZone chooses the zone of the next launch among the open ones, which are in
// the group's order: with BALANCED the emptiest, with PRIORITY the first; ties go
// by order. "" when none is open.
func PickZone(policy ZonePolicy, open []string, crowd Crowd) string {
	if len(open) == 0 {
		return ""
	}
	zone := open[0]
	if policy == ZonePriority {
		return zone
	}
	for _, z := range open[1:] {
		if crowd[z] < crowd[zone] {
			zone = z
		}
	}
	return zone
}
