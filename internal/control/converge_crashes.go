package control

import (
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

const (
	// shortService is how long an instance has to serve before its machine's end
	// says nothing about launches.
	shortService = time.Minute
	// So many machines of a group may end that soon, one after another, before
	// launches wait: it may lose all that it wants once, up to maxCrashes.
	minCrashes, maxCrashes = 3, 100
	// Crashes further apart than wavePause are not of the same wave, those further
	// apart than crashMemory not of the same row.
	wavePause   = 4 * time.Second
	crashMemory = 30 * time.Minute
)

// crashHold is until when launches wait because the group's machines, one after
// another, end soon after they enter service: such a launch worked, so that no
// back-off holds the next one. 0: they need not wait. last is how the newest ended.
//
// It follows from the instances that are still remembered, so that it is the same
// for every leader and needs no record.
func crashHold(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) (until autoscaling.Time, last string) {
	counts := r.Counts(g.UID)
	if counts.ByState[autoscaling.Initial] == 0 {
		return 0, "" // nobody would wait
	}
	crashes := finalCrashes(r, g)
	allowed := int32(min(max(minCrashes, g.Desired), maxCrashes))
	leaving := counts.Live - counts.Counted
	if len(crashes) == 0 || int32(len(crashes))+leaving <= allowed {
		return 0, "" // without a look at everybody
	}
	var proven autoscaling.Time
	for i := range r.Instances(g.UID) {
		switch {
		case crashed(i):
			crashes = append(crashes, i)
		case i.State == autoscaling.InService && i.MachineRunning && now >= i.StateTime.Add(shortService):
			proven = max(proven, i.StateTime)
		}
	}
	slices.SortStableFunc(crashes, func(a, b *autoscaling.Instance) int { return int(b.UnhealthySince - a.UnhealthySince) })
	row, waves := 1, int32(1)
	for ; row < len(crashes); row++ {
		apart := crashes[row-1].UnhealthySince.Sub(crashes[row].UnhealthySince)
		if apart > crashMemory {
			break
		}
		if apart > wavePause {
			waves++
		}
	}
	newest := crashes[0]
	if int32(row) <= allowed || proven > newest.UnhealthySince {
		return 0, ""
	}
	until = newest.UnhealthySince.Add(autoscaling.BackoffDelay(string(g.UID), waves))
	if until <= now {
		return 0, ""
	}
	return until, newest.UnhealthyReason
}

// finalCrashes are those of the group's ended instances that ended last, and by a
// crash all of them.
func finalCrashes(r fsm.Reader, g *autoscaling.Group) []*autoscaling.Instance {
	var crashes []*autoscaling.Instance
	for i := range r.FinalInstances(g.UID) { // the newest first
		switch {
		case !i.Served:
		case crashed(i):
			crashes = append(crashes, i)
		default:
			return crashes
		}
	}
	return crashes
}

// crashed says whether the instance's machine ended soon after it entered service.
func crashed(i *autoscaling.Instance) bool {
	if i.UnhealthySource != autoscaling.SourceProvider || i.UnhealthySince == 0 {
		return false
	}
	at := firstServed(i.Timeline)
	return at >= 0 && i.UnhealthySince < i.Timeline[at].Time.Add(shortService)
}
