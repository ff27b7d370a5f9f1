package scheduler

import (
	"context"
	"strings"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/scheduler/plan"
)

// check looks at every group once in a while: its pools and lists exist and
// answer. What it finds is shown as a condition. Each pool and list is asked
// about once, however many groups use it.
func (t *term) check(ctx context.Context) {
	if t.Checks == nil {
		return
	}
	t.checkGroups(ctx)
	for sleep(ctx, t.Limits.CheckInterval) {
		t.checkGroups(ctx)
	}
}

func (t *term) checkGroups(ctx context.Context) {
	view := t.State.View()
	problems := map[plan.SetKey]string{}
	ask := func(key plan.SetKey) string {
		problem, asked := problems[key]
		if !asked {
			problem = t.checkSet(ctx, key)
			problems[key] = problem
		}
		return problem
	}
	for g := range view.Groups("") {
		if ctx.Err() != nil {
			return
		}
		var found []string
		for _, b := range g.Balancers {
			if p := ask(plan.SetKey{Kind: plan.Pool, Provider: b.Provider, Name: b.Pool}); p != "" {
				found = append(found, "pool "+b.Provider+"/"+b.Pool+": "+p)
			}
		}
		for _, l := range g.AccessLists {
			if p := ask(plan.SetKey{Kind: plan.List, Provider: l.Provider, Name: l.List}); p != "" {
				found = append(found, "access list "+l.Provider+"/"+l.List+": "+p)
			}
		}
		if (len(found) > 0) != control.Holds(g, autoscaling.ConditionDependencyMissing) || len(found) > 0 {
			message := strings.Join(found, "; ")
			t.reporter.report(fact{apply: func(tx *fsm.Tx, o control.Operations) error { return o.ReportDependencies(tx, g.UID, message) }})
		}
	}
}

func (t *term) checkSet(ctx context.Context, key plan.SetKey) string {
	ctx, cancel := context.WithTimeout(ctx, t.Limits.CallTimeout)
	defer cancel()
	if key.Kind == plan.Pool {
		return t.Checks.CheckPool(ctx, key.Provider, key.Name).Problem
	}
	return t.Checks.CheckList(ctx, key.Provider, key.Name).Problem
}

// How often what is kept for a while is looked at, and how much is forgotten at once.
const (
	sweepEvery  = time.Hour
	sweepAtOnce = 500
)

// sweep forgets what is too old or too much: requests, ended activities, final
// instances, deleted groups, dead letters, samples. It also has lists and pools written again
// now and then, in case somebody else changed them.
func (t *term) sweep(ctx context.Context) {
	hourly := time.Now()
	for sleep(ctx, t.Limits.RewriteEvery) {
		t.post(t.rewrite)
		all := time.Since(hourly) >= sweepEvery
		if all {
			hourly = time.Now()
		}
		t.sweepRequests(ctx)
		view := t.State.View()
		for g := range view.Groups("") {
			if all || crowded(view, g.UID) {
				t.sweepGroup(ctx, g.UID)
			}
		}
		for g := range view.DeletedGroups("", "") {
			if all {
				t.sweepGroup(ctx, g.UID)
			}
		}
		if all {
			for target := range view.NotificationTargets("") {
				t.sweepSome(ctx, func(tx *fsm.Tx, o control.Operations) int { return o.SweepTarget(tx, target.UID, sweepAtOnce) })
			}
		}
		t.Samples.Forget(func(uid autoscaling.UID) bool {
			g := view.Group(uid)
			return g != nil && g.State != autoscaling.GroupDeleted
		})
	}
}

// crowded says whether a group has more final instances than are kept.
func crowded(v fsm.View, group autoscaling.UID) bool {
	n := 0
	for range v.FinalInstances(group) {
		if n++; n > control.MaxFinalInstances {
			return true
		}
	}
	return false
}

func (t *term) sweepRequests(ctx context.Context) {
	for r := range t.State.View().Requests() { // the oldest first
		if t.Now() < r.Time.Add(control.RetainRequests) {
			return
		}
		break
	}
	t.sweepSome(ctx, func(tx *fsm.Tx, o control.Operations) int { return o.SweepRequests(tx, sweepAtOnce) })
}

func (t *term) sweepGroup(ctx context.Context, group autoscaling.UID) {
	t.sweepSome(ctx, func(tx *fsm.Tx, o control.Operations) int { return o.SweepGroup(tx, group, sweepAtOnce) })
}

// sweepSome sweeps until less than a whole portion was found.
func (t *term) sweepSome(ctx context.Context, work func(tx *fsm.Tx, o control.Operations) int) {
	for n := sweepAtOnce; n >= sweepAtOnce; {
		err := t.do(ctx, func(tx *fsm.Tx, o control.Operations) error {
			n = work(tx, o)
			return nil
		})
		if err != nil {
			if ctx.Err() == nil {
				t.complain("not swept", err)
			}
			return
		}
	}
}
