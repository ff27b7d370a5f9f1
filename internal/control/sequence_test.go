package control_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
)

var (
	sequenceSeed  = flag.Uint64("sequence.seed", 0, "run the sequence of this seed only")
	sequenceSeeds = flag.Uint64("sequence.seeds", 60, "how many seeds are run")
)

// TestSequencesGoEveryWayAndEndInRest lets people, hooks' programs, machines and
// time do what they like to a group. No change leaves the lifecycle's table (the
// state panics) and no invariant breaks (the world looks after each); when all is
// well again everything comes to rest. All seeds together go every way that the
// table allows.
func TestSequencesGoEveryWayAndEndInRest(t *testing.T) {
	gone := map[transition]bool{}
	seeds := []uint64{*sequenceSeed}
	if *sequenceSeed == 0 {
		seeds = nil
		for n := range *sequenceSeeds {
			seeds = append(seeds, n+1)
		}
	}
	for _, seed := range seeds {
		q := newSequence(seed)
		q.run(t, 200)
		for way := range q.transitions(map[string]bool{}) {
			gone[way] = true
		}
	}
	if *sequenceSeed != 0 {
		return
	}
	for _, r := range autoscaling.Lifecycle {
		for _, e := range r.Exits {
			if !e.Later && !gone[transition{r.State, e.To}] {
				t.Errorf("no sequence went from %s to %s", r.State, e.To)
			}
		}
	}
}

func TestRandomSequencesEndInRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newSequence(rapid.Uint64().Draw(t, "seed"))
		q.run(t, rapid.IntRange(10, 120).Draw(t, "commands"))
	})
}

// sequence is a story that is made up as it goes on.
type sequence struct {
	story
	rng   *rand.Rand
	told  []string
	taken int // machines that were attached
}

func newSequence(seed uint64) *sequence {
	q := &sequence{story: story{World: controltest.New()}, rng: rand.New(rand.NewPCG(seed, 7))}
	q.tell("configuration web ports=80")
	line := "group web min=0 max=8 desired=4 configuration=web zones=a,b cooldown=10s grace=10s"
	for _, word := range []string{" pools=edge/web", " lists=files/db", " hooks=warm LAUNCHING timeout=60s default=CONTINUE"} {
		if q.rng.IntN(4) > 0 {
			line += word
		}
	}
	// How replacements are made, how old instances grow, and who makes zones even.
	line += q.pick("", "", " min-healthy=100 max-healthy=200", " min-healthy=50 max-healthy=100")
	line += q.pick("", "", " lifetime=3600s") + q.pick("", "", " rebalance=on") + q.pick("", "", " keep-protected")
	q.tell(line)
	return q
}

func (q *sequence) tell(line string) {
	q.told = append(q.told, line)
	q.do(fields(line))
}

func (q *sequence) run(t interface {
	Helper()
	Fatalf(string, ...any)
}, commands int) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Fatalf("%v\nafter:\n%s", r, q.history())
		}
	}()
	for range commands {
		if q.over() {
			break
		}
		q.tell(q.draw())
	}
	q.rest()
	if late := q.restless(); late != "" {
		t.Fatalf("%s\nafter:\n%s", late, q.history())
	}
}

func (q *sequence) history() string {
	text := ""
	for _, line := range q.told {
		text += "> " + line + "\n"
	}
	return text
}

func (q *sequence) over() bool { return q.Group("web").State == autoscaling.GroupDeleted }

// one is a member, or an id that none has.
func (q *sequence) one() string {
	all := slices.Collect(q.View().Instances(q.Group("web").UID))
	if len(all) == 0 || q.rng.IntN(20) == 0 {
		return fmt.Sprintf("i%x", 1+q.rng.IntN(60))
	}
	return short(all[q.rng.IntN(len(all))].ID)
}

func (q *sequence) pick(words ...string) string { return words[q.rng.IntN(len(words))] }

func (q *sequence) draw() string {
	switch n := q.rng.IntN(100); {
	case n < 26:
		return "step"
	case n < 30:
		return "drive"
	case n < 36:
		return "expire"
	case n < 44:
		return fmt.Sprintf("advance %ds", 1+q.rng.IntN(1+q.rng.IntN(700)))
	case n < 58:
		return q.drawAction()
	case n < 62:
		return q.drawHook()
	case n < 80:
		return q.drawMove()
	case n < 84:
		return "gone " + q.one()
	case n < 93:
		return q.drawCapacity()
	}
	return q.drawControl()
}

// drawAction answers an action that waits, mostly.
func (q *sequence) drawAction() string {
	line := "complete web " + q.pick("CONTINUE", "CONTINUE", "CONTINUE", "ABANDON", "ROLLBACK")
	if q.rng.IntN(4) == 0 {
		line = "heartbeat web"
	}
	var waiting []control.PendingAction
	for a := range control.PendingActions(q.View().Reader, q.Group("web").UID) {
		waiting = append(waiting, a)
	}
	if len(waiting) == 0 {
		return line + " instance=" + q.one() + " hook=" + q.pick("warm", "check", "save")
	}
	a := waiting[q.rng.IntN(len(waiting))]
	switch q.rng.IntN(3) {
	case 0:
		return line + " token=" + string(a.Token)
	case 1:
		return line + " instance=" + short(a.Instance) + " hook=" + a.Hook
	}
	return line + fmt.Sprintf(" activity=%d hook=%s", a.Activity, a.Hook)
}

func (q *sequence) drawHook() string {
	hook := q.pick("warm LAUNCHING", "check LAUNCHING", "save TERMINATING", "archive TERMINATING")
	line := fmt.Sprintf(" web/%s timeout=%ds default=%s", hook, 30+q.rng.IntN(300), q.pick("CONTINUE", "ABANDON"))
	switch q.rng.IntN(4) {
	case 0:
		return "delete-hook web/" + fields(hook).word(0)
	case 1:
		return "update-hook" + line
	}
	return "hook" + line
}

func (q *sequence) drawMove() string {
	words := q.pick("", " decrement")
	switch q.rng.IntN(9) {
	case 0, 1:
		return "enter-standby web instances=" + q.one() + words
	case 2, 3, 4:
		return "exit-standby web instances=" + q.one()
	case 5:
		return "detach web instances=" + q.one() + words + q.pick("", " run-hooks")
	case 6:
		q.taken++
		q.tell(fmt.Sprintf("machine m-x%d address=10.9.0.%d", q.taken, q.taken))
		return fmt.Sprintf("attach web machines=m-x%d", q.taken) + q.pick("", " entrusted") + q.pick("", " run-hooks")
	}
	return "remove web instances=" + q.one() + words
}

func (q *sequence) drawCapacity() string {
	switch q.rng.IntN(5) {
	case 4:
		return "rebalance web"
	case 0:
		return "health web " + q.one() + " unhealthy"
	case 1:
		return fmt.Sprintf("update web max=%d", 4+q.rng.IntN(6))
	}
	return fmt.Sprintf("set-desired web %d", q.rng.IntN(9))
}

func (q *sequence) drawControl() string {
	switch q.rng.IntN(16) {
	case 0:
		return "pause web"
	case 1, 2:
		return "resume web"
	case 3:
		return "suspend web " + q.pick("LAUNCH", "TERMINATE", "LOAD_BALANCER", "REPLACE_UNHEALTHY")
	case 4, 5:
		return "unsuspend web LAUNCH TERMINATE LOAD_BALANCER REPLACE_UNHEALTHY"
	case 6:
		return "break error=broken"
	case 7, 8:
		return "mend"
	case 9:
		return "pool edge/web problem=down"
	case 10, 11:
		return "pool edge/web"
	case 12:
		return "protect web " + q.one()
	case 13:
		return "delete web force" + q.pick("", " skip-hooks")
	}
	return "unprotect web " + q.one()
}

// rest makes everything well, and lets time go on.
func (q *sequence) rest() {
	for _, line := range []string{
		"delete-hook web/warm", "delete-hook web/check", "delete-hook web/save", "delete-hook web/archive",
		"mend", "pool edge/web", "resume web", "update web lifetime=0s", "unsuspend web LAUNCH TERMINATE LOAD_BALANCER REPLACE_UNHEALTHY",
	} {
		q.tell(line)
	}
	for i := range q.View().Instances(q.Group("web").UID) {
		if i.Protected {
			q.tell("unprotect web " + short(i.ID))
		}
	}
	for range 30 {
		q.tell("drive")
		q.tell(fmt.Sprint("advance ", 11*time.Minute))
	}
	q.tell("drive")
}

// restless says what has not come to rest.
func (q *sequence) restless() string {
	g := q.Group("web")
	v := q.View()
	for i := range v.Instances(g.UID) {
		if !i.State.Resting() {
			return fmt.Sprintf("%s is %s at %s: %s", i.ID, i.State, i.Step, i.StatusReason)
		}
	}
	for a := range v.RunningActivities(g.UID) {
		return fmt.Sprintf("activity %d (%s) runs: %+v", a.ID, a.Kind, *a)
	}
	if g.State == autoscaling.GroupDeleting {
		return "the group is being deleted"
	}
	if c := v.Counts(g.UID); g.State == autoscaling.GroupActive && c.Capacity != g.Desired {
		return fmt.Sprintf("desired %d, but %+v", g.Desired, c)
	}
	for p := range control.PendingActions(v.Reader, g.UID) {
		return actionText(p) + " still waits"
	}
	return ""
}
