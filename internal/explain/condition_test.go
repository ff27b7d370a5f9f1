package explain

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// constantsOf are the values of a type's constants in the vocabulary.
func constantsOf(t *testing.T, typ string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "../autoscaling/group.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := v.Type.(*ast.Ident); ok && name.Name == typ && len(v.Values) == 1 {
			s, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, s)
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("there are no constants of type %s", typ)
	}
	return values
}

func TestNoConditionIsWithoutWords(t *testing.T) {
	var all strings.Builder
	for _, c := range constantsOf(t, "ConditionType") {
		st := newState(t)
		g := webGroup()
		g.Conditions = []autoscaling.Condition{{Type: autoscaling.ConditionType(c), Reason: "R", Message: "what is wrong", Time: start}}
		st.do(t, func(tx *fsm.Tx) { tx.PutGroup(g) })
		w := wordsOf(st.reader(), g, g.Conditions[0])
		if w.severity == 0 || w.next == "" {
			t.Errorf("%s: %+v", c, w)
		}
		if w.severity == Error && w.command == "" {
			t.Errorf("%s does not end by itself, and nobody is told what ends it", c)
		}
		e := Group(st.reader(), g, start)
		sound(t, e)
		if !has(e, Problem) || !has(e, Next) {
			t.Errorf("%s: %s", c, text(e))
		}
		found := Findings(st.reader(), "default", start)
		if single := autoscaling.ConditionType(c) != autoscaling.ConditionInstanceOverdue; (len(found) == 1) != single {
			t.Errorf("%s: %s", c, findingsText(found))
		}
		all.WriteString(findingsText(found))
	}
	golden(t, "conditions.txt", all.String())
}

// TestWordsFollowTheReason: of the same condition.
func TestWordsFollowTheReason(t *testing.T) {
	st, g := newState(t), webGroup()
	protected := anInstance(autoscaling.InService, autoscaling.StepNone)
	protected.Protected = true
	st.do(t, func(tx *fsm.Tx) {
		tx.PutGroup(g)
		tx.PutInstance(protected)
	})
	for _, c := range []struct {
		condition autoscaling.ConditionType
		reason    string
		severity  Severity
		command   string
	}{
		{autoscaling.ConditionBelowDesired, "LAUNCH_SUSPENDED_BY_REQUEST", Error, "group resume-processes GROUP LAUNCH"},
		{autoscaling.ConditionBelowDesired, "PROVIDER_UNREACHABLE", Warning, ""},
		{autoscaling.ConditionBelowDesired, "TOO_HEAVY", Error, "group update GROUP --max MAX"},
		{autoscaling.ConditionBelowDesired, "CRASH_LOOP", Warning, "group update GROUP --configuration CONFIGURATION@VERSION"},
		{autoscaling.ConditionBelowDesired, "BACK_OFF", Warning, "group update GROUP --configuration CONFIGURATION@VERSION"},
		{autoscaling.ConditionAboveDesired, "TERMINATE_SUSPENDED", Error, "group resume-processes GROUP TERMINATE"},
		{autoscaling.ConditionAboveDesired, "PROTECTED", Warning, "instance unprotect GROUP/i-00000000000000001"},
	} {
		w := wordsOf(st.reader(), g, autoscaling.Condition{Type: c.condition, Reason: c.reason})
		if w.severity != c.severity || w.command != c.command || w.next == "" {
			t.Errorf("%s, %s: %+v", c.condition, c.reason, w)
		}
	}
}

func TestNoProcessIsWithoutItsEffect(t *testing.T) {
	for _, p := range constantsOf(t, "Process") {
		if effects[autoscaling.Process(p)] == "" {
			t.Errorf("what does not happen while %s is suspended is not said", p)
		}
	}
}
