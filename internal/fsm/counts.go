package fsm

import "github.com/asctl/as/internal/autoscaling"

// Counts says how many instances of a group are in each state.
type Counts struct {
	ByState   [autoscaling.StateCount]int32
	Unhealthy int32 // live and UNHEALTHY
	Counted   int32 // towards desired, in instances
	Live      int32 // not final
	Capacity  int32 // weights of the counted ones
	// Unproven are live ones that never reached IN_SERVICE: they use the runaway bound.
	Unproven int32
	// Balanced are live ones with a place in a balancer's pool, whatever its state.
	Balanced int32
	// Replacing are those on their way in to take another's place.
	Replacing int32
}

// add counts an instance in (by 1) or out (by -1).
func (c *Counts) add(i *autoscaling.Instance, by int32) {
	if int(i.State) < len(c.ByState) {
		c.ByState[i.State] += by
	}
	if i.State.Final() {
		return
	}
	c.Live += by
	if i.Health == autoscaling.HealthUnhealthy {
		c.Unhealthy += by
	}
	if i.State.Counted() {
		c.Counted += by
		c.Capacity += by * max(i.Weight, 1)
	}
	if !i.Served {
		c.Unproven += by
	}
	if len(i.Balancers) > 0 {
		c.Balanced += by
	}
	if i.Replacing() {
		c.Replacing += by
	}
}
