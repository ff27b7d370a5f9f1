package explain

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

var update = flag.Bool("update", false, "write the golden files")

// start is when every test's state begins.
const start = autoscaling.Time(1_800_000_000_000_000) // 2027-01-15T08:00:00Z

// state makes a state out of records.
type state struct {
	m     *fsm.Machine
	index uint64
}

type ids struct{ n uint64 }

func (c *ids) UID() autoscaling.UID {
	c.n++
	return autoscaling.UID(fmt.Sprintf("00000000-0000-7000-8000-%012x", c.n))
}

func (c *ids) InstanceID() autoscaling.InstanceID {
	c.n++
	return autoscaling.InstanceID(fmt.Sprintf("i-%017x", c.n))
}

func newState(t *testing.T) *state {
	s := &state{m: fsm.NewMachine()}
	s.do(t, func(tx *fsm.Tx) { tx.PutCluster(&autoscaling.Cluster{Name: "prod"}) })
	return s
}

func (s *state) do(t *testing.T, fn func(tx *fsm.Tx)) {
	t.Helper()
	b := s.m.Begin(1, start, &ids{})
	if err := b.Run(func(tx *fsm.Tx) error { fn(tx); return nil }); err != nil {
		t.Fatal(err)
	}
	entry, err := b.Seal()
	if err != nil {
		t.Fatal(err)
	}
	s.index++
	if r := s.m.Apply(&raft.Log{Index: s.index, Data: entry}).(fsm.Result); r.Err != nil || r.Skipped {
		t.Fatalf("%+v", r)
	}
}

func (s *state) reader() fsm.Reader { return s.m.View().Reader }

const web = autoscaling.UID("00000000-0000-7000-8000-0000000000aa")

// webGroup is a group as it is when nothing is wrong.
func webGroup() *autoscaling.Group {
	g := &autoscaling.Group{
		Meta:        autoscaling.Meta{UID: web, Namespace: "default", ID: "web", CreateTime: start},
		GroupSpec:   autoscaling.DefaultGroupSpec(),
		GroupStatus: autoscaling.GroupStatus{State: autoscaling.GroupActive},
	}
	g.Max, g.Desired, g.Configuration.ID = 10, 1, "app"
	return g
}

// text is an explanation as a reader would have it.
func text(e Explanation) string {
	topics := [...]string{"", "ORIGIN", "HISTORY", "PRESENT", "PROBLEM", "NEXT", "END"}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", e.Resource, e.Summary)
	for _, s := range e.Statements {
		when := ""
		if s.Time != 0 {
			when = " [" + at(s.Time) + "]"
		}
		fmt.Fprintf(&b, "  %-8s%s %s\n", topics[s.Topic], when, s.Text)
		for _, l := range s.Links {
			fmt.Fprintf(&b, "             → %s %s %s\n", l.Kind, l.Name, l.ARI)
		}
	}
	return b.String()
}

func findingsText(found []Finding) string {
	severities := [...]string{"", "NOTICE", "WARNING", "ERROR"}
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %s %s (%s)\n  problem: %s\n", severities[f.Severity], f.Kind, f.Resource, f.Group, f.Problem)
		for _, line := range [][2]string{{"cause", f.Cause}, {"next", f.Next}, {"command", f.Command}} {
			if line[1] != "" {
				fmt.Fprintf(&b, "  %s: %s\n", line[0], line[1])
			}
		}
		if f.Since != 0 {
			fmt.Fprintf(&b, "  since %s\n", at(f.Since))
		}
		if f.Deadline != 0 {
			fmt.Fprintf(&b, "  deadline %s\n", at(f.Deadline))
		}
	}
	return b.String()
}

// golden compares with a file of testdata.
func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s says something else (-want +got); -update writes it:\n%s", file, diff)
	}
}

// sound checks what is true of every sentence.
func sound(t *testing.T, e Explanation) {
	t.Helper()
	sentences := []string{e.Summary}
	for _, s := range e.Statements {
		sentences = append(sentences, s.Text)
		if s.Topic == 0 || s.Topic > End {
			t.Errorf("%q has topic %d", s.Text, s.Topic)
		}
		for _, l := range s.Links {
			if l.Name == "" || l.Kind == "" || (l.ARI == "") != (l.Kind == "principal") {
				t.Errorf("%q links to %+v", s.Text, l)
			}
		}
	}
	for _, s := range sentences {
		if !strings.HasSuffix(s, ".") || strings.Contains(s, "%!") || strings.Contains(s, "  ") || strings.Contains(s, "0001-01-01") || strings.Contains(s, "..") {
			t.Errorf("no good sentence: %q", s)
		}
	}
}

func has(e Explanation, topic Topic) bool {
	for _, s := range e.Statements {
		if s.Topic == topic {
			return true
		}
	}
	return false
}

// anInstance is one that has been through something, in the state and at the step.
func anInstance(s autoscaling.InstanceState, step autoscaling.Step) *autoscaling.Instance {
	i := &autoscaling.Instance{
		ID: "i-00000000000000001", Group: web, State: s, Step: step, Zone: "a", Configuration: "c-1", Version: 3, Provider: "sim", InstanceType: "small",
		Activity: 1, MachineID: "m-1", CreateTime: start, StateTime: start.Add(time.Minute), Origin: autoscaling.OriginCreated,
		Timeline: []autoscaling.TimelineEntry{{State: autoscaling.Initial, Time: start}, {State: s, Time: start.Add(time.Minute)}},
	}
	if row := s.Row(); row.Deadline != "" {
		i.Deadline = start.Add(2 * time.Minute)
	}
	if step == autoscaling.StepHooks {
		i.Waits = []autoscaling.HookWait{{
			Token: "00000000-0000-8000-8000-000000000001", Hook: "warm-up", StartTime: start, Deadline: i.Deadline, LastDeadline: i.Deadline.Add(time.Hour),
			DefaultResult: autoscaling.ResultAbandon, HeartbeatTimeout: time.Minute,
		}}
	}
	if s.Final() {
		i.EndTime = start.Add(time.Minute)
	}
	if s.LeavingForGood() || s == autoscaling.Detaching || s.Final() {
		i.Leaving = 2
	}
	return i
}

// TestNoStateIsWithoutASentence walks the lifecycle's table.
func TestNoStateIsWithoutASentence(t *testing.T) {
	var all strings.Builder
	for _, row := range autoscaling.Lifecycle {
		steps := row.Steps
		if len(steps) == 0 {
			steps = []autoscaling.Step{autoscaling.StepNone}
		}
		seen := map[autoscaling.Step]bool{}
		for _, step := range steps {
			if seen[step] {
				continue
			}
			seen[step] = true
			st := newState(t)
			i := anInstance(row.State, step)
			st.do(t, func(tx *fsm.Tx) {
				tx.PutGroup(webGroup())
				tx.PutInstance(i)
			})
			e := Instance(st.reader(), i, start.Add(90*time.Second))
			sound(t, e)
			for _, topic := range []Topic{Origin, Present, Next} {
				if !has(e, topic) {
					t.Errorf("%s at %q: nothing is said on topic %d", row.State, step, topic)
				}
			}
			if (i.Leaving != 0) != has(e, End) {
				t.Errorf("%s at %q: why it left is said: %v", row.State, step, has(e, End))
			}
			if step != autoscaling.StepNone && doing[step] == "" {
				t.Errorf("what is done at %s is not said", step)
			}
			body := text(e)
			if strings.Contains(body, "00000000-0000-8000-8000-000000000001") {
				t.Errorf("%s at %q: it tells the token", row.State, step)
			}
			fmt.Fprintf(&all, "%s\n", body)

			// Whoever is late is found, whatever his state.
			if row.Deadline == "" {
				continue
			}
			late := i.Deadline.Add(time.Hour)
			if e := Instance(st.reader(), i, late); !has(e, Problem) {
				t.Errorf("%s at %q: an hour late, it has no problem", row.State, step)
			}
			found := false
			for _, f := range Findings(st.reader(), "default", late) {
				found = found || f.Kind == KindInstanceOverdue && f.Severity == Error && f.Command != "" && f.Next != "" && f.Resource == e.Resource
			}
			if !found {
				t.Errorf("%s at %q: an hour late, it is not found", row.State, step)
			}
		}
	}
	golden(t, "states.txt", all.String())
}
