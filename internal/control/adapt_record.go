package control

import (
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// What follows returns a record with its times as they must be after replicated
// time was set back: the record itself if they are.

// clamped is for records that have no other times than history and beginnings.
func clamped[T any](c adaptClock, record *T) *T { return autoscaling.ClampSince(record, c.now) }

// limit makes a deadline at most the longest wait of its kind from now. It reports
// whether that changed it.
func (c adaptClock) limit(deadline *autoscaling.Time, longest time.Duration) bool {
	if latest := c.now.Add(longest); *deadline > latest {
		*deadline = latest
		return true
	}
	return false
}

func adaptGroup(c adaptClock, was *autoscaling.Group) *autoscaling.Group {
	clamped := autoscaling.ClampSince(was, c.now)
	g, changed := *clamped, clamped != was
	changed = c.limit(&g.CooldownUntil, c.longestCooldown(was)) || changed
	changed = c.limit(&g.RebalanceTime, rebalancePause) || changed
	list := make([]autoscaling.Backoff, len(g.Backoffs))
	for n, b := range g.Backoffs {
		changed = c.limit(&b.Until, b.Delay(g.UID)) || changed
		list[n] = b
	}
	if !changed {
		return was
	}
	if len(list) > 0 {
		g.Backoffs = list
	}
	return &g
}

// longestCooldown is the longest that an activity of the group may start.
func (c adaptClock) longestCooldown(g *autoscaling.Group) time.Duration {
	longest := g.DefaultCooldown
	for r := range c.Rules(g.UID) {
		if r.Simple != nil && r.Simple.Cooldown != nil {
			longest = max(longest, *r.Simple.Cooldown)
		}
	}
	return longest
}

// adaptScheduledTask has a schedule go on from now. What is due stays due, and a
// task of a single run that has run does not run again.
func adaptScheduledTask(c adaptClock, was *autoscaling.ScheduledTask) *autoscaling.ScheduledTask {
	t := *was
	if t.RetryTime > c.now {
		t.RetryTime = 0
	}
	g := c.Group(t.Group)
	if !t.Disabled && g != nil && g.State != autoscaling.GroupDeleting && g.State != autoscaling.GroupDeleted {
		ran := t.Cron == "" && t.LastRun != nil && t.LastRun.Outcome == autoscaling.RunRun
		if next, err := autoscaling.NextRun(&t, c.now); err == nil && !ran && (t.NextRun == 0 || t.NextRun > c.now) {
			t.NextRun = next
		}
	}
	if t.NextRun == was.NextRun && t.RetryTime == was.RetryTime {
		return was
	}
	return &t
}

func adaptInstance(c adaptClock, was *autoscaling.Instance) *autoscaling.Instance {
	clamped := autoscaling.ClampSince(was, c.now)
	i, changed := *clamped, clamped != was
	g := c.Group(i.Group)
	waits := make([]autoscaling.HookWait, len(i.Waits))
	for n, w := range i.Waits {
		changed = c.limit(&w.Deadline, w.HeartbeatTimeout) || changed
		changed = c.limit(&w.LastDeadline, autoscaling.MaxHookWait(w.HeartbeatTimeout)) || changed
		waits[n] = w
	}
	if len(waits) > 0 {
		i.Waits = waits
	}
	if i.Step == autoscaling.StepHooks && anyOpen(&i) {
		first := earliestWait(&i)
		changed, i.Deadline = changed || first != i.Deadline, first
	} else {
		changed = c.limit(&i.Deadline, longestStep(g, &i)) || changed
	}
	changed = c.limit(&i.LaunchDeadline, launchTimeout(g)) || changed
	changed = c.limit(&i.RetryTime, maxEffectRetry) || changed
	if g != nil {
		changed = c.limit(&i.GraceUntil, g.HealthCheck.GracePeriod) || changed
		changed = c.limit(&i.WarmUntil, warmup(g)) || changed
		if i.LifetimeUntil != 0 && i.LifetimeUntil > lifetimeEnd(g, &i) {
			i.LifetimeUntil, changed = lifetimeEnd(g, &i), true
		}
	}
	if !changed {
		return was
	}
	return &i
}

// longestStep is the longest that the instance may be at a step that has no hooks.
func longestStep(g *autoscaling.Group, i *autoscaling.Instance) time.Duration {
	longest := max(launchTimeout(g), stopTimeout(i)+StopPatience, RemovalPatience, DeregisterPatience)
	for _, b := range i.Balancers {
		longest = max(longest, drainTimeout(b))
	}
	return longest
}

func adaptTarget(c adaptClock, was *autoscaling.NotificationTarget) *autoscaling.NotificationTarget {
	if was.Webhook == nil {
		return was
	}
	t, w, changed := *was, *was.Webhook, false
	w.Secrets = slices.Clone(w.Secrets)
	for n := range w.Secrets {
		changed = c.limit(&w.Secrets[n].ExpireTime, autoscaling.SecretOverlap) || changed
	}
	if !changed {
		return was
	}
	t.Webhook = &w
	return &t
}

func adaptDelivery(c adaptClock, was *autoscaling.Delivery) *autoscaling.Delivery {
	clamped := autoscaling.ClampSince(was, c.now)
	d, changed := *clamped, clamped != was
	patience := autoscaling.DeliveryPatience
	if d.IsTest() {
		patience = autoscaling.TestPatience
	}
	changed = c.limit(&d.GiveUp, patience) || changed
	changed = c.limit(&d.NextTime, autoscaling.RedeliveryDelay(d.Target, d.ID, d.Attempts)) || changed
	if d.NextTime > d.GiveUp {
		d.NextTime, changed = d.GiveUp, true
	}
	if !changed {
		return was
	}
	return &d
}

func adaptOrphan(c adaptClock, was *autoscaling.Orphan) *autoscaling.Orphan {
	quarantine := was.RemoveAfter.Sub(was.FirstSeen)
	clamped := autoscaling.ClampSince(was, c.now)
	o, changed := *clamped, clamped != was
	changed = c.limit(&o.RemoveAfter, quarantine) || changed
	if !changed {
		return was
	}
	return &o
}
