package rpc

import (
	"strconv"
	"strings"
	"time"

	"go.einride.tech/aip/filtering"
	expr "google.golang.org/genproto/googleapis/api/expr/v1alpha1"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/asctl/as/internal/autoscaling"
)

// matcher says whether a message passes a filter.
type matcher func(protoreflect.Message) bool

// parseFilter compiles an AIP-160 filter over the fields of a message: AND, OR,
// NOT, the comparisons, `:` for "has", `*` at the ends of a text.
func parseFilter(text string, d protoreflect.MessageDescriptor) (matcher, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if nesting(text) > maxNesting {
		return nil, autoscaling.FieldErrorf("filter", "parentheses are nested more than %d deep", maxNesting)
	}
	var parser filtering.Parser
	parser.Init(text)
	parsed, err := parser.Parse()
	if err != nil {
		return nil, autoscaling.FieldErrorf("filter", "%s", lastLine(err))
	}
	m, err := compile(parsed.GetExpr(), d)
	if err != nil {
		return nil, autoscaling.FieldErrorf("filter", "%s", err)
	}
	return m, nil
}

// maxNesting bounds the parser, whose effort grows with the square of it.
const maxNesting = 20

// nesting is how deep parentheses are nested, outside of quotes.
func nesting(text string) int {
	depth, deepest := 0, 0
	var quote rune
	for _, c := range text {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(':
			depth++
			deepest = max(deepest, depth)
		case c == ')':
			depth--
		}
	}
	return deepest
}

// lastLine is what the parser complains about, without the picture of where.
func lastLine(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return strings.TrimLeft(lines[len(lines)-1], " ^")
}

func compile(e *expr.Expr, d protoreflect.MessageDescriptor) (matcher, error) {
	call := e.GetCallExpr()
	if call == nil {
		return compileFlag(e, d)
	}
	switch call.GetFunction() {
	case filtering.FunctionAnd, filtering.FunctionFuzzyAnd:
		return compileBoth(call.GetArgs(), d, func(a, b bool) bool { return a && b })
	case filtering.FunctionOr:
		return compileBoth(call.GetArgs(), d, func(a, b bool) bool { return a || b })
	case filtering.FunctionNot:
		m, err := compile(call.GetArgs()[0], d)
		if err != nil {
			return nil, err
		}
		return func(v protoreflect.Message) bool { return !m(v) }, nil
	case filtering.FunctionEquals, filtering.FunctionNotEquals, filtering.FunctionLessThan, filtering.FunctionLessEquals,
		filtering.FunctionGreaterThan, filtering.FunctionGreaterEquals, filtering.FunctionHas:
		return compileComparison(call.GetFunction(), call.GetArgs()[0], call.GetArgs()[1], d)
	}
	return nil, autoscaling.Errorf(autoscaling.InvalidArgument, "there is no function %q", call.GetFunction())
}

func compileBoth(args []*expr.Expr, d protoreflect.MessageDescriptor, join func(a, b bool) bool) (matcher, error) {
	a, err := compile(args[0], d)
	if err != nil {
		return nil, err
	}
	b, err := compile(args[1], d)
	if err != nil {
		return nil, err
	}
	return func(m protoreflect.Message) bool { return join(a(m), b(m)) }, nil
}

// compileFlag takes a field alone: it must be a bool.
func compileFlag(e *expr.Expr, d protoreflect.MessageDescriptor) (matcher, error) {
	p, err := pathOf(e, d)
	if err != nil {
		return nil, err
	}
	if p.last().Kind() != protoreflect.BoolKind || p.last().IsList() {
		return nil, autoscaling.Errorf(autoscaling.InvalidArgument, "%q alone says nothing: compare it with something", p.last().Name())
	}
	return func(m protoreflect.Message) bool { v, ok := p.in(m); return ok && v.Bool() }, nil
}

func compileComparison(op string, left, right *expr.Expr, d protoreflect.MessageDescriptor) (matcher, error) {
	p, err := pathOf(left, d)
	if err != nil {
		return nil, err
	}
	text, err := textOf(right)
	if err != nil {
		return nil, err
	}
	if op == filtering.FunctionHas {
		return compileHas(p, text)
	}
	if !isScalar(p) {
		return nil, autoscaling.Errorf(autoscaling.InvalidArgument, "%q can only be asked with `:`", p.last().Name())
	}
	isText := p.last().Kind() == protoreflect.StringKind || p.last().IsMap()
	if isText && (op == filtering.FunctionEquals || op == filtering.FunctionNotEquals) && strings.Contains(text, "*") {
		want := op == filtering.FunctionEquals
		return func(m protoreflect.Message) bool { return wildcard(text, scalarIn(p, m).Text) == want }, nil
	}
	operand, err := scalarOf(p, text)
	if err != nil {
		return nil, err
	}
	holds := comparisons[op]
	return func(m protoreflect.Message) bool {
		v := scalarIn(p, m)
		if !v.Set { // an unset field is not equal to anything, and not less either
			return op == filtering.FunctionNotEquals
		}
		return holds(v.compare(operand))
	}, nil
}

var comparisons = map[string]func(int) bool{
	filtering.FunctionEquals:        func(c int) bool { return c == 0 },
	filtering.FunctionNotEquals:     func(c int) bool { return c != 0 },
	filtering.FunctionLessThan:      func(c int) bool { return c < 0 },
	filtering.FunctionLessEquals:    func(c int) bool { return c <= 0 },
	filtering.FunctionGreaterThan:   func(c int) bool { return c > 0 },
	filtering.FunctionGreaterEquals: func(c int) bool { return c >= 0 },
}

// compileHas: a list has an element, a map a key, a text a part; `*` is "is set".
func compileHas(p fieldPath, text string) (matcher, error) {
	f := p.last()
	if text == "*" {
		return func(m protoreflect.Message) bool { return isSet(p, m) }, nil
	}
	switch {
	case f.IsMap() && p.key == "":
		key := protoreflect.ValueOfString(text).MapKey()
		return func(m protoreflect.Message) bool { v, ok := p.in(m); return ok && v.Map().Has(key) }, nil
	case f.IsList():
		if f.Message() != nil {
			return nil, autoscaling.Errorf(autoscaling.InvalidArgument, "%q is a list of messages and cannot be filtered by", f.Name())
		}
		return func(m protoreflect.Message) bool { return listHas(p, m, text) }, nil
	case f.Kind() == protoreflect.StringKind || f.IsMap():
		return func(m protoreflect.Message) bool { return strings.Contains(scalarIn(p, m).Text, text) }, nil
	}
	return nil, autoscaling.Errorf(autoscaling.InvalidArgument, "%q cannot be asked with `:`, except `:*`", f.Name())
}

func isSet(p fieldPath, m protoreflect.Message) bool {
	v, ok := p.in(m)
	switch f := p.last(); {
	case !ok:
		return false
	case f.IsList():
		return v.List().Len() > 0
	case f.IsMap() && p.key == "":
		return v.Map().Len() > 0
	case f.HasPresence() || f.IsMap():
		return true
	default:
		return !v.Equal(f.Default())
	}
}

func listHas(p fieldPath, m protoreflect.Message, text string) bool {
	v, ok := p.in(m)
	if !ok {
		return false
	}
	for i := range v.List().Len() {
		element := v.List().Get(i).String()
		if p.last().Kind() == protoreflect.EnumKind {
			element = enumName(p.last().Enum(), v.List().Get(i).Enum())
		}
		if element == text {
			return true
		}
	}
	return false
}

// scalarOf reads what a field is compared with, as the field's own kind.
func scalarOf(p fieldPath, text string) (scalar, error) {
	f := p.last()
	if f.IsMap() {
		f = f.MapValue()
	}
	s := scalar{Set: true}
	var err error
	switch f.Kind() {
	case protoreflect.BoolKind:
		var b bool
		if b, err = strconv.ParseBool(text); b {
			s.Int = 1
		}
	case protoreflect.EnumKind:
		if f.Enum().Values().ByName(protoreflect.Name(text)) == nil {
			return s, autoscaling.Errorf(autoscaling.InvalidArgument, "%q has no value %q", f.Name(), text)
		}
		s.Text = text
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		s.Int, err = strconv.ParseInt(text, 10, 64)
	case protoreflect.DoubleKind:
		s.Number, err = strconv.ParseFloat(text, 64)
	case protoreflect.MessageKind:
		if isTime(f.Message()) {
			var t time.Time
			t, err = time.Parse(time.RFC3339, text)
			s.Int = t.UnixNano()
		} else {
			var duration time.Duration
			duration, err = time.ParseDuration(text)
			s.Int = int64(duration)
		}
	default:
		s.Text = text
	}
	if err != nil {
		return s, autoscaling.Errorf(autoscaling.InvalidArgument, "%q cannot be compared with %q", f.Name(), text)
	}
	return s, nil
}

// pathOf reads the left side of a comparison: a field.
func pathOf(e *expr.Expr, d protoreflect.MessageDescriptor) (fieldPath, error) {
	var parts []string
	for {
		switch k := e.GetExprKind().(type) {
		case *expr.Expr_IdentExpr:
			parts = append([]string{k.IdentExpr.GetName()}, parts...)
			return findField(d, parts)
		case *expr.Expr_SelectExpr:
			parts = append([]string{k.SelectExpr.GetField()}, parts...)
			e = k.SelectExpr.GetOperand()
		default:
			return fieldPath{}, autoscaling.Errorf(autoscaling.InvalidArgument, "a comparison begins with a field")
		}
	}
}

// textOf reads the right side: a word, a text, a number, timestamp(…) or duration(…).
func textOf(e *expr.Expr) (string, error) {
	switch k := e.GetExprKind().(type) {
	case *expr.Expr_IdentExpr:
		return k.IdentExpr.GetName(), nil
	case *expr.Expr_SelectExpr: // an unquoted word with dots
		operand, err := textOf(k.SelectExpr.GetOperand())
		return operand + "." + k.SelectExpr.GetField(), err
	case *expr.Expr_ConstExpr:
		switch c := k.ConstExpr.GetConstantKind().(type) {
		case *expr.Constant_StringValue:
			return c.StringValue, nil
		case *expr.Constant_Int64Value:
			return strconv.FormatInt(c.Int64Value, 10), nil
		case *expr.Constant_DoubleValue:
			return strconv.FormatFloat(c.DoubleValue, 'g', -1, 64), nil
		case *expr.Constant_BoolValue:
			return strconv.FormatBool(c.BoolValue), nil
		}
	case *expr.Expr_CallExpr:
		f, args := k.CallExpr.GetFunction(), k.CallExpr.GetArgs()
		if (f == filtering.FunctionTimestamp || f == filtering.FunctionDuration) && len(args) == 1 {
			return textOf(args[0])
		}
		if f == filtering.FunctionNot && len(args) == 1 { // the parser's reading of a minus
			text, err := textOf(args[0])
			return "-" + text, err
		}
	}
	return "", autoscaling.Errorf(autoscaling.InvalidArgument, "a field is compared with a word, a text or a number")
}

// wildcard matches a text with `*` at either end.
func wildcard(pattern, text string) bool {
	middle := strings.Trim(pattern, "*")
	before, after := strings.HasPrefix(pattern, "*"), strings.HasSuffix(pattern, "*")
	switch {
	case before && after:
		return strings.Contains(text, middle)
	case before:
		return strings.HasSuffix(text, middle)
	case after:
		return strings.HasPrefix(text, middle)
	}
	return text == pattern
}
