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

// PickZones chooses a zone for each of n launches: with BALANCED always the
// emptiest, with PRIORITY the first; ties go by the group's order. Zones that
// are held are skipped; when all are, there are none. The crowd is updated.
func PickZones(g *GroupSpec, crowd Crowd, n, weight int32, held func(zone string) bool) []string {
	var open []string
	for _, z := range g.Zones {
		if !held(z.Name) {
			open = append(open, z.Name)
		}
	}
	if len(open) == 0 || n <= 0 {
		return nil
	}
	picked := make([]string, 0, n)
	for range n {
		zone := open[0]
		if g.ZonePolicy != ZonePriority {
			for _, z := range open[1:] {
				if crowd[z] < crowd[zone] {
					zone = z
				}
			}
		}
		crowd[zone] += weight
		picked = append(picked, zone)
	}
	return picked
}
