package autoscaling

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPickZone(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy ZonePolicy
		open   string
		crowd  Crowd
		n      int
		want   string
	}{
		{"evenly, in order", ZoneBalanced, "a b c", Crowd{}, 7, "a b c a b c a"},
		{"the emptiest first", ZoneBalanced, "a b c", Crowd{"a": 2, "b": 1}, 6, "c b c a b c"},
		{"the first with priority", ZonePriority, "a b", Crowd{"a": 9}, 3, "a a a"},
		{"what is not open is not chosen", ZoneBalanced, "b", Crowd{"b": 9}, 2, "b b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for range c.n {
				z := PickZone(c.policy, strings.Fields(c.open), c.crowd)
				c.crowd[z]++
				got = append(got, z)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%v, want %s", got, c.want)
			}
		})
	}
	if z := PickZone(ZoneBalanced, nil, Crowd{}); z != "" {
		t.Errorf("%q, though none is open", z)
	}
}

func TestBalancedZonesDifferByOneAtMost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		open := strings.Fields("a b c d")[:rapid.IntRange(1, 4).Draw(t, "zones")]
		crowd := Crowd{}
		for range rapid.IntRange(0, 50).Draw(t, "launches") {
			crowd[PickZone(ZoneBalanced, open, crowd)]++
			least, most := crowd[open[0]], crowd[open[0]]
			for _, z := range open {
				least, most = min(least, crowd[z]), max(most, crowd[z])
			}
			if most-least > 1 {
				t.Fatalf("%v", crowd)
			}
		}
	})
}
