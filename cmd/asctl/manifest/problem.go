package manifest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	goyaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
	"go.yaml.in/yaml/v3"
)

// Problem is a mistake in a file.
type Problem struct {
	File         string
	Line, Column int // from 1; column 0 where only the line is known
	Message      string
	// Source is the line that has it, with a mark below; may be empty.
	Source string
}

func (p *Problem) Error() string {
	where := p.File
	if p.Line > 0 {
		where += ":" + strconv.Itoa(p.Line)
	}
	if p.Column > 0 {
		where += ":" + strconv.Itoa(p.Column)
	}
	text := where + ": " + p.Message
	if p.Source != "" {
		text += "\n" + p.Source
	}
	return text
}

// Problems are all mistakes that were found.
type Problems []*Problem

func (p Problems) Error() string {
	var lines []string
	for _, one := range p {
		lines = append(lines, one.Error())
	}
	return strings.Join(lines, "\n")
}

// file collects the problems of one file.
type file struct {
	name     string
	lines    []string
	problems Problems
}

// problem records a mistake at a node; of several at one place the first says most.
func (f *file) problem(node *yaml.Node, format string, args ...any) {
	if slices.ContainsFunc(f.problems, func(p *Problem) bool { return p.Line == node.Line && p.Column == node.Column }) {
		return
	}
	p := &Problem{File: f.name, Line: node.Line, Column: node.Column, Message: fmt.Sprintf(format, args...)}
	if node.Line > 0 && node.Line <= len(f.lines) {
		number := strconv.Itoa(node.Line)
		source, mark := excerpt(f.lines[node.Line-1], max(0, node.Column-1))
		p.Source = fmt.Sprintf("  %s | %s\n  %s | %s^", number, source, strings.Repeat(" ", len(number)), strings.Repeat(" ", mark))
	}
	f.problems = append(f.problems, p)
}

// maxExcerpt is how much of a line is shown, in characters.
const maxExcerpt = 160

// excerpt is what to show of a line, and where in it the mark stands: a line
// may have megabytes.
func excerpt(line string, at int) (text string, mark int) {
	characters := []rune(line)
	if len(characters) <= maxExcerpt {
		return line, at
	}
	const cut = "…"
	from := min(max(0, at-maxExcerpt/2), len(characters)-maxExcerpt)
	to := from + maxExcerpt
	text, mark = string(characters[from:to]), at-from
	if from > 0 {
		text, mark = cut+text, mark+1
	}
	if to < len(characters) {
		text += cut
	}
	return text, mark
}

var (
	yamlLine   = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	atPosition = regexp.MustCompile(`^(\d+):(\d+) (.*)$`)
)

// syntax records that the text is no YAML. The parser that reads the documents
// gives a line that may be one off; another one knows the place.
func (f *file) syntax(err error, c chunk) {
	var wrong *goyaml.SyntaxError
	if _, better := parser.ParseBytes(c.text, 0); errors.As(better, &wrong) && wrong.Token != nil {
		at := wrong.Token.Position
		f.problem(&yaml.Node{Line: at.Line, Column: at.Column}, "%s", wrong.Message)
		return
	}
	p := &Problem{File: f.name, Line: c.firstLine, Message: err.Error()}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		p.Message = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			p.Line = n
		}
	}
	f.problems = append(f.problems, p)
}

// decoding records what protoyaml says of a value: "file:line:col message" and
// the source below.
func (f *file) decoding(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			f.decoding(one)
		}
		return
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	m := atPosition.FindStringSubmatch(strings.TrimPrefix(first, f.name+":"))
	if m == nil {
		f.problems = append(f.problems, &Problem{File: f.name, Message: err.Error()})
		return
	}
	line, _ := strconv.Atoi(m[1])
	column, _ := strconv.Atoi(m[2])
	f.problem(&yaml.Node{Line: line, Column: column}, "%s", m[3])
}
