package autoscaling

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMoves(t *testing.T) {
	for _, c := range []struct {
		name    string
		policy  ZonePolicy
		members []string
		open    string
		most    int
		room    int32
		uneven  string
		want    string
	}{
		{"even", ZoneBalanced, []string{"a x IN_SERVICE 1", "b y IN_SERVICE 1"}, "x y", 9, 9, "", ""},
		{"one more is even", ZoneBalanced, []string{"a x IN_SERVICE 1", "b y IN_SERVICE 1", "c x IN_SERVICE 1"}, "x y", 9, 9, "", ""},
		{"two more are not", ZoneBalanced, []string{"a x IN_SERVICE 2", "b x IN_SERVICE 1"}, "x y", 9, 9, "zone x holds 2 and zone y 0", "b→y"},
		{"as many as there is room for", ZoneBalanced, []string{"a x IN_SERVICE 1", "b x IN_SERVICE 2", "c x IN_SERVICE 3", "d x IN_SERVICE 4"}, "x y", 9, 1,
			"zone x holds 4 and zone y 0", "a→y"},
		{"as many as are allowed", ZoneBalanced, []string{"a x IN_SERVICE 1", "b x IN_SERVICE 2", "c x IN_SERVICE 3", "d x IN_SERVICE 4", "e x IN_SERVICE 5", "f x IN_SERVICE 6"}, "x y", 2, 9,
			"zone x holds 6 and zone y 0", "a→y b→y"},
		{"never protected ones", ZoneBalanced, []string{"a x IN_SERVICE 1 protected", "b x IN_SERVICE 2"}, "x y", 9, 9, "zone x holds 2 and zone y 0", "b→y"},
		{"nobody else is left", ZoneBalanced, []string{"a x IN_SERVICE 1 protected", "b x PENDING 2"}, "x y", 9, 9, "zone x holds 2 and zone y 0", ""},
		{"never into a zone that is held", ZoneBalanced, []string{"a x IN_SERVICE 1", "b x IN_SERVICE 2"}, "x", 9, 9, "zone x holds 2 and zone y 0", ""},
		{"heavy ones move when that is better", ZoneBalanced, []string{"a x IN_SERVICE 1 w3", "b x IN_SERVICE 2 w1"}, "x y", 9, 9, "zone x holds 4 and zone y 0", "a→y"},
		{"and not when it is not", ZoneBalanced, []string{"a x IN_SERVICE 1 w3"}, "x y", 9, 9, "", ""},
		{"out of foreign zones first", ZoneBalanced, []string{"a x IN_SERVICE 1", "b x IN_SERVICE 2", "c old IN_SERVICE 3"}, "x y", 9, 9,
			"zone old, which the group does not have, holds 1", "c→y"},
		{"with priority any spread is right", ZonePriority, []string{"a x IN_SERVICE 1", "b x IN_SERVICE 2"}, "x y", 9, 9, "", ""},
		{"but not foreign zones", ZonePriority, []string{"a old IN_SERVICE 1", "b y IN_SERVICE 2"}, "x y", 9, 9, "zone old, which the group does not have, holds 1", "a→x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &Group{GroupSpec: GroupSpec{Zones: []Zone{{Name: "x"}, {Name: "y"}}, ZonePolicy: c.policy}}
			s := Spread{Group: &g.GroupSpec}
			var all []*Instance
			for _, text := range c.members {
				i := member(text)
				all = append(all, i)
				s.Add(i)
			}
			if uneven := s.Uneven(); uneven != c.uneven {
				t.Errorf("uneven: %q, want %q", uneven, c.uneven)
			}
			var got []string
			for _, m := range s.Moves(VictimRules{Group: g}, all, strings.Fields(c.open), c.most, c.room) {
				got = append(got, string(m.ID)+"→"+m.To)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%v move, want %s", got, c.want)
			}
		})
	}
}

// Moves come to an end, each makes the spread more even, and when they are over
// and nobody was kept from moving nothing is left to make even.
func TestMovesEndEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &Group{GroupSpec: GroupSpec{
			Zones: []Zone{{Name: "x"}, {Name: "y"}, {Name: "z"}}, ZonePolicy: rapid.SampledFrom([]ZonePolicy{ZoneBalanced, ZonePriority}).Draw(t, "policy"),
		}}
		all := drawMembers(t)
		open := strings.Fields("x y z")[:rapid.IntRange(0, 3).Draw(t, "open")]
		stuck := len(open) < 3
		squares := func() (sum, foreign int32) {
			s := spreadOf(g, all)
			for z, n := range s.Crowd {
				if g.HasZone(z) {
					sum += n * n
				} else {
					foreign += n
				}
			}
			return sum, foreign
		}
		for rounds := 0; ; rounds++ {
			if rounds > 200 {
				t.Fatal("moves do not come to an end")
			}
			s := spreadOf(g, all)
			before, foreign := squares()
			most, room := rapid.IntRange(1, 3).Draw(t, "most"), rapid.Int32Range(3, 9).Draw(t, "room")
			moves := s.Moves(VictimRules{Group: g}, all, open, most, room)
			capacity := int32(0)
			for _, m := range moves {
				if m.Protected || m.State != InService || !slices.Contains(open, m.To) || m.Why == "" {
					t.Fatalf("%+v moves to %s: %q", m.Instance, m.To, m.Why)
				}
				capacity += m.Capacity()
				m.Instance.Zone = m.To
			}
			if len(moves) > most || capacity > room {
				t.Fatalf("%d moves of %d, allowed are %d of %d", len(moves), capacity, most, room)
			}
			if len(moves) == 0 {
				break
			}
			if after, left := squares(); left == foreign && after >= before {
				t.Fatalf("%d moves made it worse: %d, then %d", len(moves), before, after)
			}
		}
		for _, i := range all {
			stuck = stuck || i.State.Counted() && (i.Protected || i.State != InService)
		}
		end := spreadOf(g, all)
		if uneven := end.Uneven(); uneven != "" && !stuck {
			t.Fatalf("nobody moves, and %s", uneven)
		}
	})
}

func spreadOf(g *Group, all []*Instance) *Spread {
	s := &Spread{Group: &g.GroupSpec}
	for _, i := range all {
		if i.State.Counted() {
			s.Add(i)
		}
	}
	return s
}

// Who goes, in the order of semantics.md: nobody who stays would have had to go
// before somebody who goes.
func TestNobodyStaysWhoShouldHaveGoneFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawMembers(t)
		for _, i := range all {
			i.Weight = 1
			if rapid.Bool().Draw(t, "attached") {
				i.Origin = OriginAttached
			}
		}
		g := &Group{GroupSpec: GroupSpec{
			Zones: []Zone{{Name: "x"}, {Name: "y"}, {Name: "z"}}, AttachedLast: rapid.Bool().Draw(t, "attached last"),
		}}
		goes := map[*Instance]bool{}
		for _, c := range PickVictims(VictimRules{Group: g}, all, rapid.Int32Range(0, 30).Draw(t, "n")) {
			goes[c.Instance] = true
		}
		rank := func(i *Instance) string {
			stage := 2
			switch {
			case i.State == Initial:
				stage = 0
			case i.State.Launching():
				stage = 1
			}
			return fmt.Sprint(stage, i.Health != HealthUnhealthy, g.AttachedLast && i.Origin == OriginAttached, g.HasZone(i.Zone))
		}
		for _, gone := range all {
			for _, stays := range all {
				if goes[gone] && isCandidate(stays) && !goes[stays] {
					if a, b := rank(gone), rank(stays); a > b {
						t.Fatalf("%s (%s) goes and %s (%s) stays", gone.ID, a, stays.ID, b)
					}
				}
			}
		}
	})
}

// Scale-in leaves zones no less even than it finds them, when nothing comes before
// zone balance.
func TestScaleInKeepsZonesEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &Group{GroupSpec: GroupSpec{Zones: []Zone{{Name: "x"}, {Name: "y"}, {Name: "z"}}}}
		var all []*Instance
		for n := range rapid.IntRange(0, 30).Draw(t, "members") {
			all = append(all, &Instance{
				ID: InstanceID(fmt.Sprintf("i-%02d", n)), State: InService, Zone: g.Zones[n%3].Name,
				CreateTime: Time(rapid.IntRange(1, 9).Draw(t, "created")),
			})
		}
		gone := map[InstanceID]bool{}
		for _, c := range PickVictims(VictimRules{Group: g}, all, rapid.Int32Range(0, 30).Draw(t, "n")) {
			gone[c.ID] = true
		}
		left := slices.DeleteFunc(all, func(i *Instance) bool { return gone[i.ID] })
		if uneven := spreadOf(g, left).Uneven(); uneven != "" {
			t.Fatal(uneven)
		}
	})
}

func TestWhyAVictimGoes(t *testing.T) {
	for _, c := range []struct {
		name    string
		group   GroupSpec
		members []string
		n       int32
		want    []string
	}{
		{"the design's own example", GroupSpec{}, []string{
			"a y IN_SERVICE 3600000000 v1", "b y IN_SERVICE 1000000 v1", "c y IN_SERVICE 1000000 v2", "d y IN_SERVICE 1000000 v2",
			"e z IN_SERVICE 1000000 v1", "f z IN_SERVICE 1000000 v1", "g z IN_SERVICE 1000000 v1", "h x IN_SERVICE 1000000", "i x IN_SERVICE 1000000"}, 1,
			[]string{"b zone y is the fullest (4 of 9); oldest configuration: version 1, used first 1970-01-01T00:00:20Z; then oldest, from 1970-01-01T00:00:01Z"}},
		{"as full as another", GroupSpec{}, []string{"a y IN_SERVICE 1", "b z IN_SERVICE 1"}, 1, []string{"a no zone is fuller than y (1 of 2)"}},
		{"priority", GroupSpec{ZonePolicy: ZonePriority}, []string{"a y IN_SERVICE 1", "b z IN_SERVICE 1"}, 1, []string{"b zone z is the last by priority"}},
		{"unhealthy, and a zone that is gone", GroupSpec{}, []string{"a y IN_SERVICE 1 unhealthy", "b old IN_SERVICE 1"}, 2,
			[]string{"a unhealthy", "b zone old is no longer one of the group's"}},
		{"attached last", GroupSpec{AttachedLast: true}, []string{"a y IN_SERVICE 1 attached"}, 1, []string{"a attached, and nobody else is left to go"}},
		{"not begun, on its way", GroupSpec{}, []string{"a y INITIAL 1", "b y PENDING 1", "c y IN_SERVICE 1"}, 3,
			[]string{"a not begun yet", "b still on its way in (PENDING)", "c nobody else could go"}},
		{"newest", GroupSpec{TerminationPolicies: []TerminationRule{TerminateNewestInstance}}, []string{"a y IN_SERVICE 2000000", "b y IN_SERVICE 1000000"}, 1,
			[]string{"a newest, from 1970-01-01T00:00:02Z"}},
		{"least busy, then the id", GroupSpec{TerminationPolicies: []TerminationRule{TerminateLeastBusy}}, []string{"a y IN_SERVICE 1", "b y IN_SERVICE 1", "c y IN_SERVICE 1"}, 2,
			[]string{"b least busy (2.5%); then lowest id", "c least busy (2.5%)"}},
		{"drawn", GroupSpec{TerminationPolicies: []TerminationRule{TerminateRandomSeeded}}, []string{"a y IN_SERVICE 1", "b y IN_SERVICE 1"}, 1,
			[]string{"b drawn by RANDOM_SEEDED"}},
		{"ties by id", GroupSpec{}, []string{"a y IN_SERVICE 1", "b y IN_SERVICE 1"}, 1, []string{"a lowest id"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &Group{GroupSpec: c.group}
			g.Zones = []Zone{{Name: "x"}, {Name: "y"}, {Name: "z"}}
			g.FirstUse = []ConfigurationUse{{"c", 1, 20_000_000}, {"c", 2, 30_000_000}}
			var live []*Instance
			for _, m := range c.members {
				live = append(live, member(m))
			}
			load := map[InstanceID]float64{"a": 50, "b": 2.5, "c": 2.5}
			rules := VictimRules{Group: g, Load: func(id InstanceID) (float64, bool) { l, ok := load[id]; return l, ok }}
			var got []string
			for _, v := range PickVictims(rules, live, c.n) {
				got = append(got, string(v.ID)+" "+v.Why)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
