package autoscaling

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// member describes an instance in words: "id zone state age [word…]".
func member(text string) *Instance {
	f := strings.Fields(text)
	i := &Instance{ID: InstanceID(f[0]), Zone: f[1], Version: 1, Configuration: "c"}
	for s := Initial; int(s) < StateCount; s++ {
		if s.String() == f[2] {
			i.State = s
		}
	}
	fmt.Sscan(f[3], (*int64)(&i.CreateTime))
	for _, word := range f[4:] {
		switch {
		case word == "protected":
			i.Protected = true
		case word == "unhealthy":
			i.Health = HealthUnhealthy
		case word == "attached":
			i.Origin = OriginAttached
		case strings.HasPrefix(word, "v"):
			fmt.Sscan(word[1:], &i.Version)
		case strings.HasPrefix(word, "w"):
			fmt.Sscan(word[1:], &i.Weight)
		}
	}
	return i
}

func TestPickVictims(t *testing.T) {
	uses := []ConfigurationUse{{"c", 2, 10}, {"c", 1, 20}, {"c", 3, 30}} // version 2 was used first
	for _, c := range []struct {
		name    string
		group   GroupSpec
		members []string
		n       int32
		want    string
	}{
		{"nobody asked", GroupSpec{}, []string{"a z IN_SERVICE 1"}, 0, ""},
		{"more than there are", GroupSpec{}, []string{"a z IN_SERVICE 1", "b z IN_SERVICE 2"}, 5, "a b"},
		{"not yet made first, then on their way, then in service", GroupSpec{},
			[]string{"a z IN_SERVICE 1", "b z PENDING 2", "c z INITIAL 3", "d z PENDING_PROCEED 4"}, 4, "c b d a"},
		{"protected, standby and leaving never", GroupSpec{},
			[]string{"a z IN_SERVICE 1 protected", "b z STANDBY 2", "c z TERMINATING 3", "d z ENTERING_STANDBY 4", "e z TERMINATED 5", "f z IN_SERVICE 6"}, 9, "f"},
		{"protection needs a machine", GroupSpec{},
			[]string{"a z INITIAL 1 protected", "b z PENDING 2 protected"}, 2, "a"},
		{"unhealthy first", GroupSpec{}, []string{"a z IN_SERVICE 1", "b z IN_SERVICE 2 unhealthy"}, 1, "b"},
		{"attached last where the group says so", GroupSpec{AttachedLast: true},
			[]string{"a z IN_SERVICE 1 attached", "b z IN_SERVICE 2"}, 2, "b a"},
		{"attached like others where it does not", GroupSpec{},
			[]string{"a z IN_SERVICE 1 attached", "b z IN_SERVICE 2"}, 2, "a b"},
		{"unhealthy before attached last", GroupSpec{AttachedLast: true},
			[]string{"a z IN_SERVICE 1 attached unhealthy", "b z IN_SERVICE 2"}, 2, "a b"},
		{"zones that are no longer in the group", GroupSpec{},
			[]string{"a z IN_SERVICE 1", "b z IN_SERVICE 2", "c old IN_SERVICE 3"}, 2, "c a"},
		{"the fullest zone", GroupSpec{},
			[]string{"a y IN_SERVICE 1", "b z IN_SERVICE 2", "c z IN_SERVICE 3", "d z IN_SERVICE 4"}, 3, "b c a"},
		{"those on their way in count for the zone", GroupSpec{},
			[]string{"a y IN_SERVICE 1", "b z IN_SERVICE 2", "c y PENDING 3 protected"}, 1, "a"},
		{"a full zone with protected ones only is passed over", GroupSpec{},
			[]string{"a z IN_SERVICE 1 protected", "b z IN_SERVICE 2 protected", "c y IN_SERVICE 3"}, 1, "c"},
		{"with priority the last zone", GroupSpec{ZonePolicy: ZonePriority},
			[]string{"a y IN_SERVICE 1", "b y IN_SERVICE 2", "c y IN_SERVICE 3", "d z IN_SERVICE 4"}, 2, "d a"},
		{"default: oldest configuration, then oldest", GroupSpec{},
			[]string{"a z IN_SERVICE 5 v3", "b z IN_SERVICE 4 v1", "c z IN_SERVICE 3 v2", "d z IN_SERVICE 2 v2"}, 4, "d c b a"},
		{"a version that the group never used is the oldest", GroupSpec{},
			[]string{"a z IN_SERVICE 1 v2", "b z IN_SERVICE 2 v9"}, 1, "b"},
		{"oldest instance", GroupSpec{TerminationPolicies: []TerminationRule{TerminateOldestInstance}},
			[]string{"a z IN_SERVICE 5 v2", "b z IN_SERVICE 4 v3"}, 1, "b"},
		{"newest instance", GroupSpec{TerminationPolicies: []TerminationRule{TerminateNewestInstance}},
			[]string{"a z IN_SERVICE 5", "b z IN_SERVICE 4", "c z IN_SERVICE 6"}, 2, "c a"},
		{"policies are filters in order", GroupSpec{TerminationPolicies: []TerminationRule{TerminateOldestConfiguration, TerminateNewestInstance}},
			[]string{"a z IN_SERVICE 9 v1", "b z IN_SERVICE 1 v2", "c z IN_SERVICE 2 v2"}, 3, "c b a"},
		{"least busy, then the id", GroupSpec{TerminationPolicies: []TerminationRule{TerminateLeastBusy}},
			[]string{"a z IN_SERVICE 1", "b z IN_SERVICE 2", "c z IN_SERVICE 3"}, 3, "c a b"},
		{"ties by id", GroupSpec{}, []string{"b z IN_SERVICE 1", "c z IN_SERVICE 1", "a z IN_SERVICE 1"}, 2, "a b"},
		{"weights are never overdrawn", GroupSpec{},
			[]string{"a z IN_SERVICE 1 w4", "b z IN_SERVICE 2 w2", "c z IN_SERVICE 3 w1"}, 3, "b c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &Group{GroupSpec: c.group}
			g.Zones = []Zone{{Name: "y"}, {Name: "z"}}
			g.FirstUse = uses
			var live []*Instance
			for _, m := range c.members {
				live = append(live, member(m))
			}
			busy := map[InstanceID]float64{"a": 50, "b": 90, "c": 10}
			rules := VictimRules{Group: g, Load: func(id InstanceID) (float64, bool) { l, ok := busy[id]; return l, ok }}
			var got []string
			for _, v := range PickVictims(rules, live, c.n) {
				got = append(got, string(v.ID))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%v go, want %s", got, c.want)
			}
		})
	}
}

func drawMembers(t *rapid.T) []*Instance {
	states := []InstanceState{Initial, Pending, PendingProceed, InService, InService, InService, Standby, Terminating}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *Instance {
		return &Instance{
			ID:         InstanceID(fmt.Sprintf("i-%017x", rapid.Uint64().Draw(t, "id"))),
			Zone:       rapid.SampledFrom([]string{"x", "y", "z", "old"}).Draw(t, "zone"),
			State:      rapid.SampledFrom(states).Draw(t, "state"),
			Protected:  rapid.Bool().Draw(t, "protected"),
			Health:     rapid.SampledFrom([]Health{HealthHealthy, HealthUnhealthy}).Draw(t, "health"),
			CreateTime: Time(rapid.IntRange(1, 5).Draw(t, "created")),
			Weight:     rapid.Int32Range(0, 3).Draw(t, "weight"),
		}
	}), 0, 30).Draw(t, "members")
}

func TestVictimsAreCandidatesAndNeverTooMany(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		live := drawMembers(t)
		n := rapid.Int32Range(0, 40).Draw(t, "n")
		g := &Group{GroupSpec: GroupSpec{
			Zones:      []Zone{{Name: "x"}, {Name: "y"}, {Name: "z"}},
			ZonePolicy: rapid.SampledFrom([]ZonePolicy{ZoneBalanced, ZonePriority}).Draw(t, "policy"),
			TerminationPolicies: rapid.SliceOfDistinct(rapid.SampledFrom([]TerminationRule{
				TerminateDefault, TerminateNewestInstance, TerminateRandomSeeded, TerminateOldestConfiguration,
			}), func(r TerminationRule) TerminationRule { return r }).Draw(t, "policies"),
		}}
		victims := PickVictims(VictimRules{Group: g}, live, n)
		capacity, left := int32(0), int32(0)
		chosen := map[*Instance]bool{}
		for _, v := range victims {
			if v.Protected && v.State != Initial || !v.State.Counted() || chosen[v.Instance] {
				t.Fatalf("%+v is no victim", v)
			}
			if v.Why == "" {
				t.Fatalf("nobody says why %s goes", v.ID)
			}
			chosen[v.Instance] = true
			capacity += v.Capacity()
		}
		for _, i := range live {
			if isCandidate(i) && !chosen[i] && i.Capacity() <= n-capacity {
				left++
			}
		}
		if capacity > n || left > 0 {
			t.Fatalf("%d of %d chosen, %d more would fit", capacity, n, left)
		}
		// The order in which they are looked at does not matter.
		shuffled := rapid.Permutation(live).Draw(t, "shuffled")
		if again := PickVictims(VictimRules{Group: g}, shuffled, n); !slices.Equal(again, victims) {
			t.Fatalf("%v, then %v", victims, again)
		}
	})
}

// Choosing ten thousand of as many takes milliseconds, not minutes.
func BenchmarkPickVictims(b *testing.B) {
	var live []*Instance
	for n := range 10_000 {
		live = append(live, &Instance{
			ID: InstanceID(fmt.Sprintf("i-%017x", n)), Zone: fmt.Sprint("z", n%3), State: InService, CreateTime: Time(n) * Time(time.Second),
		})
	}
	g := &Group{GroupSpec: GroupSpec{Zones: []Zone{{Name: "z0"}, {Name: "z1"}, {Name: "z2"}}}}
	for b.Loop() {
		PickVictims(VictimRules{Group: g}, live, 5_000)
	}
}
