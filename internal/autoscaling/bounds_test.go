package autoscaling

import (
	"testing"

	"pgregory.net/rapid"
)

func TestUsageAndRoom(t *testing.T) {
	g := &GroupSpec{Max: 4, Desired: 2} // a bound of 5
	for _, c := range []struct {
		name    string
		members []string
		served  string // ids of those that have served
		room    int32
		waiting bool
	}{
		{"empty", nil, "", 5, false},
		{"counted use it", []string{"a z IN_SERVICE 1", "b z PENDING 1", "c z INITIAL 1"}, "a", 2, false},
		{"leaving without having served use it", []string{"a z TERMINATING_PROCEED 1", "b z TERMINATING 1"}, "", 3, false},
		{"leaving after service do not", []string{"a z TERMINATING 1", "b z TERMINATING_PROCEED 1"}, "a b", 5, false},
		{"standby is outside", []string{"a z STANDBY 1", "b z ENTERING_STANDBY 1"}, "a b", 5, false},
		{"final ones are gone", []string{"a z TERMINATED 1", "b z DETACHED 1"}, "b", 5, false},
		{"as many as max may be leaving", []string{"a z TERMINATING 1", "b z TERMINATING 1", "c z TERMINATING 1", "d z TERMINATING 1"}, "a b c d", 5, false},
		{"not more", []string{"a z TERMINATING 1", "b z TERMINATING 1", "c z TERMINATING 1", "d z TERMINATING 1", "e z TERMINATING 1"}, "a b c d e", 0, true},
		{"all born broken", []string{"a z TERMINATING 1", "b z TERMINATING 1", "c z TERMINATING 1", "d z TERMINATING 1", "e z TERMINATING 1"}, "", 0, true},
		{"weights count", []string{"a z IN_SERVICE 1 w3", "b z PENDING 1 w4"}, "a", 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var u Usage
			for _, m := range c.members {
				i := member(m)
				for _, id := range c.served {
					i.Served = i.Served || string(id) == string(i.ID)
				}
				u.Add(i)
			}
			if room, waiting := u.Room(g); room != c.room || waiting != c.waiting {
				t.Errorf("room %d, waiting %v; want %d, %v", room, waiting, c.room, c.waiting)
			}
		})
	}
}

// Whoever launches only into the room never exceeds the bound, whatever became
// of those before.
func TestRoomKeepsTheBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &GroupSpec{Max: rapid.Int32Range(0, 20).Draw(t, "max")}
		g.Desired = rapid.Int32Range(0, g.Max).Draw(t, "desired")
		var live []*Instance
		for range rapid.IntRange(1, 20).Draw(t, "rounds") {
			var u Usage
			for _, i := range live {
				u.Add(i)
			}
			room, _ := u.Room(g)
			for range min(room, rapid.Int32Range(0, 30).Draw(t, "wanted")) {
				live = append(live, &Instance{State: Initial})
			}
			unproven := int32(0)
			for _, i := range live {
				if rapid.Bool().Draw(t, "breaks") && i.State == Initial {
					i.State = TerminatingProceed // it never served; nobody knows whether it is gone
				}
				unproven++
			}
			if unproven > g.Max+g.Surge() {
				t.Fatalf("%d live, max %d, desired %d", unproven, g.Max, g.Desired)
			}
		}
	})
}
