package autoscaling

// Usage is what a group's live instances use of its runaway bound, in capacity.
type Usage struct {
	// Counted ones and those that never served and are not confirmed gone.
	Bound int32
	// LeavingServed have served and are on their way out.
	LeavingServed int32
	// Launching are on their way to IN_SERVICE, as a number of instances.
	Launching int32
}

// Add takes an instance into account. Standby is outside.
func (u *Usage) Add(i *Instance) {
	switch {
	case i.State.Final():
	case i.State.Counted() || !i.Served:
		u.Bound += i.Capacity()
	case i.State.LeavingForGood():
		u.LeavingServed += i.Capacity()
	}
	if i.State.Launching() {
		u.Launching++
	}
}

// Room is how much capacity may be launched now. Waiting says that machines on
// their way out are what keeps it from being more.
//
// The bound holds even if every machine is born broken: what never served uses
// it until it is confirmed gone.
func (u Usage) Room(g *GroupSpec) (room int32, waiting bool) {
	bound := g.Max + g.Surge()
	if u.LeavingServed > g.Max {
		return 0, true
	}
	return max(0, bound-u.Bound), u.Bound >= bound
}
