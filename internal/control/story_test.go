package control_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
)

var update = flag.Bool("update", false, "write what the stories tell now")

// Stories are scripts in testdata: lines that begin with "> " are what somebody
// does, those below are what is answered ("=", or "!" for errors) and the events
// that it wrote, with the time since the story began.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no stories", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := string(content)
			got := tell(want)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("the story has changed (go test -update writes it):\n%s", firstDifference(want, got))
			}
		})
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for n := range max(len(w), len(g)) {
		if n >= len(w) || n >= len(g) || w[n] != g[n] {
			return fmt.Sprintf("line %d:\n  was %s\n  is  %s", n+1, strings.Join(w[min(n, len(w)):min(n+3, len(w))], "\n      "), strings.Join(g[min(n, len(g)):min(n+3, len(g))], "\n      "))
		}
	}
	return ""
}

// tell runs a script and answers it with what happens now.
func tell(script string) string {
	s := &story{World: controltest.New()}
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "> "):
			fmt.Fprintln(&s.out, line)
			s.seen = s.View().LastEvent()
			s.do(fields(line[2:]))
			s.events()
		case strings.HasPrefix(line, "#"), line == "":
			fmt.Fprintln(&s.out, line)
		}
	}
	return s.out.String()
}

type story struct {
	*controltest.World
	out  strings.Builder
	seen uint64
}

// args are the words of a command: those alone, and those with a value.
type args struct {
	words []string
	named map[string]string
}

func fields(line string) args {
	a := args{named: map[string]string{}}
	for _, w := range strings.Fields(line) {
		if k, v, ok := strings.Cut(w, "="); ok {
			a.named[k] = strings.ReplaceAll(v, "~", " ")
		} else {
			a.words = append(a.words, w)
		}
	}
	return a
}

func (a args) word(n int) string {
	if n < len(a.words) {
		return a.words[n]
	}
	return ""
}

func (a args) has(word string) bool { return slices.Contains(a.words, word) }

func (a args) number(name string, otherwise int32) int32 {
	if v, ok := a.named[name]; ok {
		return number(v)
	}
	return otherwise
}

func number(s string) int32 {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return int32(n)
}

func (a args) duration(name string, otherwise time.Duration) time.Duration {
	if v, ok := a.named[name]; ok {
		return duration(v)
	}
	return otherwise
}

func duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return d
}

func (a args) list(name string) []string {
	if a.named[name] == "" {
		return nil
	}
	return strings.Split(a.named[name], ",")
}

func (a args) caller() control.Caller {
	return control.Caller{Principal: a.named["by"], RequestID: a.named["request"]}
}

func (a args) group() control.GroupName {
	return control.GroupName{Namespace: "default", ID: a.word(1)}
}

func (a args) child() control.ChildName {
	group, id, _ := strings.Cut(a.word(1), "/")
	return control.ChildName{Namespace: "default", Group: group, ID: id}
}

func (a args) parent() control.GroupName {
	return control.GroupName{Namespace: "default", ID: a.child().Group}
}

func (a args) meta() control.NewMeta { return control.NewMeta{ID: a.child().ID} }

// do runs a command in one transaction, but for those that need more.
func (s *story) do(a args) {
	switch a.word(0) {
	case "drive":
		s.Drive()
		return
	case "step":
		s.Step()
		return
	case "advance":
		s.Advance(duration(a.word(1)))
		return
	case "break":
		s.LaunchFails = func(*autoscaling.Instance) string { return a.named["error"] }
		return
	case "mend":
		s.LaunchFails = nil
		return
	case "pool":
		s.Platform.Pools[a.word(1)] = control.PoolStatus{Problem: a.named["problem"], HasHealthCheck: !a.has("unchecked")}
		return
	case "instances":
		s.instances(a.word(1))
		return
	case "full", "roomy":
		s.ZoneFull[a.word(1)] = a.word(0) == "full"
		return
	case "victims":
		s.victims(a)
		return
	case "expire":
		s.Expire()
		return
	case "actions":
		s.actions(a.word(1))
		return
	case "machine", "released", "entries", "list":
		s.member(a)
		return
	case "gone":
		if i := s.View().FindInstance(autoscaling.InstanceID(long(a.word(1)))); i != nil {
			s.Gone(i)
		}
		return
	}
	var answer string
	err := s.Do(func(tx *fsm.Tx) error {
		var err error
		answer, err = s.command(tx, a)
		return err
	})
	if err != nil {
		fmt.Fprintln(&s.out, "!", describe(err))
	} else if answer != "" {
		fmt.Fprintln(&s.out, "=", answer)
	}
}

func describe(err error) string {
	e, ok := err.(*autoscaling.Error)
	if !ok {
		panic(err) // no caller did that
	}
	text := string(e.Reason) + ": " + e.Message
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(" (again in %s)", e.RetryAfter)
	}
	return text
}

// activity is an answer in words; a refusal is the error that its caller gets.
func activity(a *autoscaling.Activity, err error) (string, error) {
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("activity %d: %s %s %d → %d", a.ID, a.Kind, a.Status, a.From, a.To)
	if a.Launches > 0 {
		text += fmt.Sprintf(", %d launched", a.Launches)
	}
	if a.Removals > 0 {
		text += fmt.Sprintf(", %d removed", a.Removals)
	}
	for _, note := range a.Notes {
		text += "; " + note
	}
	if refused := control.RefusalError(a); refused != nil {
		text += fmt.Sprintf(", %s, %d times", describe(refused), a.Repeats)
	}
	return text, nil
}

func group(g *autoscaling.Group, err error) (string, error) {
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("group %s: %s %d/%d/%d etag %s", g.ID, g.State, g.Min, g.Desired, g.Max, g.Etag())
	for _, c := range g.Conditions {
		text += " " + string(c.Type)
	}
	return text, nil
}

func (s *story) instances(id string) {
	g := s.Group(id)
	for i := range s.View().Instances(g.UID) {
		fmt.Fprintf(&s.out, "= %s %s %s", short(i.ID), i.State, i.Zone)
		if i.Protected {
			fmt.Fprint(&s.out, " protected")
		}
		fmt.Fprintln(&s.out)
	}
}

// events prints what the command wrote.
func (s *story) events() {
	for e := range s.View().Events(s.seen) {
		fmt.Fprintf(&s.out, "  +%s %s", e.Time.Sub(controltest.Start), e.Type)
		if e.Activity != 0 {
			fmt.Fprintf(&s.out, " #%d", e.Activity)
		}
		if e.Instance != "" {
			fmt.Fprintf(&s.out, " %s %s", short(e.Instance), e.State)
		}
		if e.Step != autoscaling.StepNone {
			fmt.Fprintf(&s.out, "/%s", e.Step)
		}
		for _, word := range []string{e.Subject, e.Message} {
			if word != "" {
				fmt.Fprintf(&s.out, " %s", shorten(word))
			}
		}
		fmt.Fprintln(&s.out)
	}
}

// short is a counted instance id without its zeros: i1, i2, …
func short(id autoscaling.InstanceID) string {
	return "i" + strings.TrimLeft(string(id[2:]), "0")
}

func shorten(text string) string {
	for strings.Contains(text, "-0") && (strings.Contains(text, "i-0") || strings.Contains(text, "m-0")) {
		text = strings.NewReplacer("i-0", "i-", "m-0", "m-").Replace(text)
	}
	return text
}

func long(id string) string {
	return "i-" + strings.Repeat("0", 18-len(id)) + id[1:]
}
