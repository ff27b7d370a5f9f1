package autoscaling

import (
	"cmp"
	"fmt"
	"slices"
)

// Spread is how a group's counted instances lie in its zones. The zero value with
// a group is an empty one.
type Spread struct {
	Group *GroupSpec
	Crowd Crowd
	// lightest is the least that one instance counts for, in each zone.
	lightest map[string]int32
}

// Add takes a counted instance into account.
func (s *Spread) Add(i *Instance) {
	if s.Crowd == nil {
		s.Crowd, s.lightest = Crowd{}, map[string]int32{}
	}
	w := i.Capacity()
	s.Crowd[i.Zone] += w
	if least, ok := s.lightest[i.Zone]; !ok || w < least {
		s.lightest[i.Zone] = w
	}
}

// Uneven says what is wrong with the spread, in words; "" when nothing is: an
// instance is in a zone that the group does not have, or (BALANCED) two zones
// differ by more than one instance, so that moving one makes them more even.
// With PRIORITY any spread over the group's zones is right.
func (s *Spread) Uneven() string {
	for _, z := range sortedKeys(s.Crowd) {
		if s.Crowd[z] > 0 && !s.Group.HasZone(z) {
			return fmt.Sprintf("zone %s, which the group does not have, holds %d", z, s.Crowd[z])
		}
	}
	if s.Group.ZonePolicy == ZonePriority {
		return ""
	}
	for _, from := range s.Group.Zones {
		for _, to := range s.Group.Zones {
			if s.better(from.Name, to.Name, s.lightest[from.Name]) {
				return fmt.Sprintf("zone %s holds %d and zone %s %d", from.Name, s.Crowd[from.Name], to.Name, s.Crowd[to.Name])
			}
		}
	}
	return ""
}

// better says whether an instance of the weight makes two zones more even by
// moving. Each such move makes the squares of the crowds add up to less, so that
// moves come to an end.
func (s *Spread) better(from, to string, weight int32) bool {
	return weight > 0 && s.Crowd[from]-s.Crowd[to] > weight
}

// Move is an instance whose replacement is to be launched in another zone.
type Move struct {
	*Instance
	To  string
	Why string
}

// Moves are some of the next moves that make the spread even, at most the number
// and at most so much capacity: out of zones that the group does not have, then
// from the fullest zone to the emptiest of the open ones. Who moves is chosen
// among the movable by the termination policies; protected ones never are.
func (s *Spread) Moves(r VictimRules, movable []*Instance, open []string, most int, room int32) []Move {
	if len(open) == 0 {
		return nil
	}
	m := moving{spread: s, open: open, byZone: map[string][]victim{}, room: room}
	for _, i := range movable {
		if i.State == InService && !i.Protected {
			m.byZone[i.Zone] = append(m.byZone[i.Zone], r.victim(i))
		}
	}
	for z := range m.byZone {
		slices.SortFunc(m.byZone[z], compareVictims)
	}
	var moves []Move
	for len(moves) < most {
		next, ok := m.next()
		if !ok {
			break
		}
		moves = append(moves, next)
	}
	return moves
}

// moving is a list of moves being made; it changes the spread's crowd as it goes.
type moving struct {
	spread *Spread
	open   []string
	byZone map[string][]victim
	room   int32
}

func (m *moving) next() (Move, bool) {
	for _, from := range m.sources() {
		to := PickZone(m.spread.Group.ZonePolicy, slices.DeleteFunc(slices.Clone(m.open), func(z string) bool { return z == from }), m.spread.Crowd)
		if to == "" {
			continue
		}
		foreign := !m.spread.Group.HasZone(from)
		for n, v := range m.byZone[from] {
			w := v.Capacity()
			if w > m.room || !foreign && !m.spread.better(from, to, w) {
				continue
			}
			why := fmt.Sprintf("zone %s holds %d and zone %s %d", from, m.spread.Crowd[from], to, m.spread.Crowd[to])
			if foreign {
				why = fmt.Sprintf("zone %s is no longer one of the group's", from)
			}
			m.byZone[from] = slices.Delete(m.byZone[from], n, n+1)
			m.room -= w
			m.spread.Crowd[from] -= w
			m.spread.Crowd[to] += w
			return Move{Instance: v.Instance, To: to, Why: "it moves to zone " + to + ": " + why}, true
		}
	}
	return Move{}, false
}

// sources are the zones to move from: foreign ones, then, with BALANCED, the
// fullest first.
func (m *moving) sources() []string {
	g := m.spread.Group
	zones := sortedKeys(m.byZone)
	if g.ZonePolicy == ZonePriority {
		zones = slices.DeleteFunc(zones, g.HasZone)
	}
	slices.SortStableFunc(zones, func(a, b string) int {
		if fa, fb := g.HasZone(a), g.HasZone(b); fa != fb {
			if fb {
				return -1
			}
			return 1
		}
		return cmp.Compare(m.spread.Crowd[b], m.spread.Crowd[a])
	})
	return zones
}
