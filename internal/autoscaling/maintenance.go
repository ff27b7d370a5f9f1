package autoscaling

import "time"

// Percents are the two bounds; both 0 are the defaults.
func (m Maintenance) Percents() (minHealthy, maxHealthy int32) {
	if m == (Maintenance{}) {
		m = DefaultGroupSpec().Maintenance
	}
	return m.MinHealthyPercent, m.MaxHealthyPercent
}

// LaunchFirst says whether an unhealthy instance that still runs goes only when
// another serves in its place.
func (m Maintenance) LaunchFirst() bool {
	low, high := m.Percents()
	return low >= 100 && high > 100
}

// Surge is by how much the group may exceed its max size for a while.
func (g *GroupSpec) Surge() int32 { return g.SurgeAt(g.Desired) }

// SurgeAt is Surge with another desired capacity.
func (g *GroupSpec) SurgeAt(desired int32) int32 {
	_, high := g.Maintenance.Percents()
	return max(1, percentOf(desired, high-100))
}

// Dip is how much capacity replacements that remove first may take away at once.
// The min rounds up, so what is above it rounds down.
func (g *GroupSpec) Dip() int32 {
	low, _ := g.Maintenance.Percents()
	return max(1, percentOf(g.Desired, 100-low))
}

// percentOf rounds down.
func percentOf(n, percent int32) int32 { return int32(int64(n) * int64(percent) / 100) }

// Bounds of max_instance_lifetime. Short ones are for trying it out.
const (
	MinInstanceLifetime = 60 * time.Second
	MaxInstanceLifetime = 365 * 24 * time.Hour
)

// LifetimeEnd is when an instance that served first at the instant has to be
// replaced: the lifetime, less up to a tenth by its id, so that those that came
// together do not go together, and every node computes the same. 0: never.
func LifetimeEnd(lifetime time.Duration, served Time, id InstanceID) Time {
	if lifetime <= 0 || served == 0 {
		return 0
	}
	tenth := uint64(lifetime / 10)
	early := time.Duration(uint64(seeded("lifetime", id)) % max(tenth, 1))
	return served.Add(lifetime - early)
}

// Replacing says whether the instance is on its way to take another's place.
func (i *Instance) Replacing() bool { return i.Replaces != "" && i.State.Launching() && !i.Served }
