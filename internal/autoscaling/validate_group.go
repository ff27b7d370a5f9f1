package autoscaling

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// NormalizeGroup brings a spec into the one form in which it is kept: sets
// sorted, what may not be empty filled in.
func NormalizeGroup(g *GroupSpec) {
	g.Suspended = SortProcesses(g.Suspended)
	if len(g.Zones) == 0 {
		g.Zones = []Zone{{Name: DefaultZone}}
	}
	if len(g.HealthCheck.Types) == 0 {
		g.HealthCheck.Types = []HealthType{HealthProvider}
	}
	if g.Maintenance == (Maintenance{}) {
		g.Maintenance = DefaultGroupSpec().Maintenance
	}
}

// SortProcesses is the set in the order in which it is kept, each once; nil when
// it is empty.
func SortProcesses(processes []Process) []Process {
	if len(processes) == 0 {
		return nil
	}
	sorted := slices.Clone(processes)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// ValidateGroup checks a group's spec by itself. That desired lies within the
// bounds is the operations' to see to.
func ValidateGroup(g *GroupSpec) error {
	if err := first(ValidateSizes(g.Min, g.Desired, g.Max),
		checkOneOf("desired_mode", g.DesiredMode, DesiredMaintained, DesiredFollows),
		checkRange("configuration.version", g.Configuration.Version, 0, 1<<30),
		checkZones(g.Zones),
		checkOneOf("zone_policy", g.ZonePolicy, ZoneBalanced, ZonePriority),
		checkRange("default_cooldown", g.DefaultCooldown, 0, maxDuration),
		checkOneOf("cooldown_scope", g.CooldownScope, CooldownAlarms, CooldownAll),
		checkRange("default_warmup", g.DefaultWarmup, 0, maxDuration),
		checkHealth(&g.HealthCheck),
		checkCount("termination_policies", len(g.TerminationPolicies), 8),
		checkUnique("termination_policies", g.TerminationPolicies, func(p TerminationRule) TerminationRule { return p }),
		checkBalancers(g.Balancers),
		checkLists(g.AccessLists),
		checkRange("launch_timeout", g.LaunchTimeout, time.Second, maxDuration),
		checkRange("launch_failure_limit", g.LaunchFailureLimit, 1, 1000),
		ValidateProcesses("suspended_processes", g.Suspended),
		checkOneOf("deletion_protection", g.DeletionProtection, ProtectionNone, ProtectionForceOnly, ProtectionAll),
		checkCount("propagated_labels", len(g.PropagatedLabels), 64),
		checkMaintenance(g.Maintenance),
		checkLifetime(g.MaxInstanceLifetime),
	); err != nil {
		return err
	}
	for n, p := range g.TerminationPolicies {
		if err := checkOneOf(entry("termination_policies", n), p, TerminateDefault, TerminateOldestInstance, TerminateNewestInstance,
			TerminateOldestConfiguration, TerminateLeastBusy, TerminateRandomSeeded); err != nil {
			return err
		}
	}
	return nil
}

// ValidateSizes checks that sizes are sizes and min is not above max.
func ValidateSizes(low, desired, high int32) error {
	if err := first(
		checkRange("min_size", low, 0, MaxSize),
		checkRange("max_size", high, 0, MaxSize),
		checkRange("desired_capacity", desired, 0, MaxSize),
	); err != nil {
		return err
	}
	if low > high {
		return FieldErrorf("min_size", "%d is above max_size %d", low, high)
	}
	return nil
}

// ValidateProcesses checks that each is a process.
func ValidateProcesses(field string, processes []Process) error {
	for n, p := range processes {
		if err := checkOneOf(entry(field, n), p, ProcessLaunch, ProcessTerminate, ProcessHealthCheck, ProcessReplaceUnhealthy,
			ProcessAlarm, ProcessScheduled, ProcessLoadBalancer, ProcessZoneRebalance, ProcessRefresh); err != nil {
			return err
		}
	}
	return nil
}

// checkMaintenance: both 0 are the defaults.
func checkMaintenance(m Maintenance) error {
	if m == (Maintenance{}) {
		return nil
	}
	if err := first(
		checkRange("maintenance.min_healthy_percent", m.MinHealthyPercent, 0, 100),
		checkRange("maintenance.max_healthy_percent", m.MaxHealthyPercent, 100, 200),
	); err != nil {
		return err
	}
	if d := m.MaxHealthyPercent - m.MinHealthyPercent; d > 100 {
		return FieldErrorf("maintenance.max_healthy_percent", "%d is %d above min_healthy_percent, at most 100 are allowed", m.MaxHealthyPercent, d)
	}
	return nil
}

// checkLifetime: 0 is for ever.
func checkLifetime(d time.Duration) error {
	if d == 0 {
		return nil
	}
	return checkRange("max_instance_lifetime", d, MinInstanceLifetime, MaxInstanceLifetime)
}

func checkZones(zones []Zone) error {
	if err := first(
		checkCount("zones", len(zones), 32),
		checkUnique("zones", zones, func(z Zone) string { return z.Name }),
	); err != nil {
		return err
	}
	for n, z := range zones {
		if err := first(
			checkZone(entry("zones", n)+".zone", z.Name),
			checkLength(entry("zones", n)+".network", z.Network, 0, 255),
		); err != nil {
			return err
		}
	}
	return nil
}

// zoneName is wide, since zones are named by providers: letters and digits of any
// script, with some marks and spaces between them. What could mean something in a
// path or a line of a file is left out.
var zoneName = regexp.MustCompile(`^[\p{L}\p{N}]([\p{L}\p{M}\p{N}._: -]*[\p{L}\p{M}\p{N}])?$`)

func checkZone(field, name string) error {
	if err := checkLength(field, name, 1, 63); err != nil {
		return err
	}
	if !zoneName.MatchString(name) {
		return FieldErrorf(field, "%q cannot be the name of a zone: it must begin and end with a letter or digit and have only "+
			"letters, digits, spaces and . _ : - between them", name)
	}
	return nil
}

func checkHealth(h *HealthCheck) error {
	for n, t := range h.Types {
		if err := checkOneOf(entry("health_check.types", n), t, HealthProvider, HealthBalancer, HealthProbe); err != nil {
			return err
		}
	}
	if err := first(
		checkUnique("health_check.types", h.Types, func(t HealthType) HealthType { return t }),
		checkRange("health_check.grace_period", h.GracePeriod, 0, maxDuration),
		checkRange("health_check.storm_threshold", h.StormThreshold, 1, 100),
	); err != nil {
		return err
	}
	if h.Probe == nil {
		if slices.Contains(h.Types, HealthProbe) {
			return FieldErrorf("health_check.probe", "is required with type PROBE")
		}
		return nil
	}
	return checkProbe("health_check.probe", h.Probe)
}

func checkProbe(field string, p *Probe) error {
	if p.HTTPPath != "" && !strings.HasPrefix(p.HTTPPath, "/") {
		return FieldErrorf(field+".http", "%q is not a path: it does not begin with /", p.HTTPPath)
	}
	return first(
		checkLength(field+".http", p.HTTPPath, 0, 1024),
		checkRange(field+".port", p.Port, 0, 65535),
		checkRange(field+".interval", p.Interval, time.Second, time.Hour),
		checkRange(field+".timeout", p.Timeout, 100*time.Millisecond, 300*time.Second),
		checkRange(field+".unhealthy_threshold", p.UnhealthyThreshold, 1, 100),
		checkRange(field+".healthy_threshold", p.HealthyThreshold, 1, 100),
	)
}

func checkBalancers(balancers []BalancerRef) error {
	if err := first(
		checkCount("balancers", len(balancers), 50),
		// One target per instance and port: the same pool twice would count twice.
		checkUnique("balancers", balancers, func(b BalancerRef) string {
			return fmt.Sprintf("pool %s of %s with port %d", b.Pool, b.Provider, b.Port)
		}),
	); err != nil {
		return err
	}
	for n, b := range balancers {
		at := entry("balancers", n)
		if err := first(
			checkLength(at+".provider", b.Provider, 1, 63),
			checkLength(at+".pool", b.Pool, 1, 255),
			checkRange(at+".port", b.Port, 0, 65535),
			checkRange(at+".weight", b.Weight, 0, 256),
			checkRange(at+".drain_timeout", b.DrainTimeout, 0, time.Hour),
		); err != nil {
			return err
		}
	}
	return nil
}

func checkLists(lists []AccessListRef) error {
	if err := first(
		checkCount("access_lists", len(lists), 50),
		checkUnique("access_lists", lists, func(l AccessListRef) string { return "list " + l.List + " of " + l.Provider }),
	); err != nil {
		return err
	}
	for n, l := range lists {
		at := entry("access_lists", n)
		if err := first(checkLength(at+".provider", l.Provider, 1, 63), checkLength(at+".list", l.List, 1, 255)); err != nil {
			return err
		}
	}
	return nil
}
