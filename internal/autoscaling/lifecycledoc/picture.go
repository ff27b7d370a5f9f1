package main

import (
	"fmt"
	"html"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
)

// Where things stand. The table says what there is; this file only where it is
// drawn. A transition that has no route here is drawn as a straight line.

const (
	boxWidth, boxHeight   = 180, 62
	canvasWidth, canvasHt = 1420, 690
	apart                 = 9 // between an automatic and a requested arrow of one route
)

type point struct{ x, y int }

const (
	left0, left1, left2, left3, left4, left5 = 40, 270, 500, 730, 960, 1200
	high, middle, low                        = 120, 310, 530
)

var corner = map[autoscaling.InstanceState]point{
	autoscaling.Initial:            {left0, high},
	autoscaling.Pending:            {left1, high},
	autoscaling.PendingWait:        {left2, high},
	autoscaling.PendingProceed:     {left3, high},
	autoscaling.InService:          {left4, high},
	autoscaling.EnteringStandby:    {left4, middle},
	autoscaling.Standby:            {left3, middle},
	autoscaling.Detaching:          {left5, middle},
	autoscaling.Detached:           {left5, low},
	autoscaling.Terminating:        {left1, low},
	autoscaling.TerminatingWait:    {left2, low},
	autoscaling.TerminatingProceed: {left3, low},
	autoscaling.Terminated:         {left4, low},
	autoscaling.Warmed:             {left0, middle},
}

// panel is the ground that a phase stands on.
type panel struct {
	x, y, width, height int
	fill                string
	name                point // where its name stands
}

var panels = []struct {
	phase autoscaling.Phase
	panel
}{
	{autoscaling.Joining, panel{26, 66, 898, 134, "#eaf2fb", point{38, 86}}},
	{autoscaling.Serving, panel{946, 66, 208, 134, "#e6f5e9", point{958, 86}}},
	{autoscaling.Resting, panel{716, 278, 438, 112, "#fdf4dc", point{728, 298}}},
	{autoscaling.Parting, panel{1186, 278, 208, 330, "#f1ebf9", point{1198, 298}}},
	{autoscaling.Dying, panel{256, 498, 898, 110, "#fbe9e7", point{left4 + 2, 518}}},
	{autoscaling.WarmPool, panel{26, 278, 208, 112, "#f2f2f2", point{38, 298}}},
}

type edge struct{ from, to autoscaling.InstanceState }

// routes are polylines of right angles: the first and last x or y is where the
// box is left and entered. Arrows that have none go straight.
var routes = map[edge][]point{
	{autoscaling.Initial, autoscaling.Terminated}:             {{left0, high + 31}, {14, high + 31}, {14, low + 125}, {left4 + 90, low + 125}, {left4 + 90, low + boxHeight}},
	{autoscaling.Pending, autoscaling.PendingProceed}:         {{left1 + 90, high}, {left1 + 90, high - 24}, {left3 + 90, high - 24}, {left3 + 90, high}},
	{autoscaling.Pending, autoscaling.TerminatingProceed}:     {{left1 + 165, high + boxHeight}, {left1 + 165, 456}, {left3 + 100, 456}, {left3 + 100, low}},
	{autoscaling.Pending, autoscaling.Terminating}:            {{left1 + 30, high + boxHeight}, {left1 + 30, low}},
	{autoscaling.PendingWait, autoscaling.TerminatingProceed}: {{left2 + 85, high + boxHeight}, {left2 + 85, 474}, {left3 + 60, 474}, {left3 + 60, low}},
	{autoscaling.PendingProceed, autoscaling.Terminating}:     {{left3 + 60, high + boxHeight}, {left3 + 60, 220}, {left1 + 55, 220}, {left1 + 55, low}},
	{autoscaling.InService, autoscaling.Terminating}:          {{left4 + 60, high + boxHeight}, {left4 + 60, 246}, {left1 + 82, 246}, {left1 + 82, low}},
	{autoscaling.InService, autoscaling.EnteringStandby}:      {{left4 + 130, high + boxHeight}, {left4 + 130, middle}},
	{autoscaling.InService, autoscaling.Detaching}:            {{left4 + boxWidth, high + 31}, {left5 + 90, high + 31}, {left5 + 90, middle}},
	{autoscaling.EnteringStandby, autoscaling.Terminating}:    {{left4 + 60, middle + boxHeight}, {left4 + 60, 424}, {left1 + 120, 424}, {left1 + 120, low}},
	{autoscaling.Standby, autoscaling.PendingProceed}:         {{left3 + 140, middle}, {left3 + 140, high + boxHeight}},
	{autoscaling.Standby, autoscaling.Terminating}:            {{left3 + 60, middle + boxHeight}, {left3 + 60, 406}, {left1 + 102, 406}, {left1 + 102, low}},
	{autoscaling.Standby, autoscaling.Detaching}:              {{left3 + 130, middle + boxHeight}, {left3 + 130, 406}, {left5 + 40, 406}, {left5 + 40, middle + boxHeight}},
	{autoscaling.Detaching, autoscaling.Detached}:             {{left5 + 130, middle + boxHeight}, {left5 + 130, low}},
	{autoscaling.Terminating, autoscaling.TerminatingProceed}: {{left1 + 90, low + boxHeight}, {left1 + 90, low + 96}, {left3 + 50, low + 96}, {left3 + 50, low + boxHeight}},
	{autoscaling.TerminatingWait, autoscaling.PendingProceed}: {{left2 + 150, low}, {left2 + 150, 264}, {left3 + 25, 264}, {left3 + 25, high + boxHeight}},
	{autoscaling.TerminatingProceed, autoscaling.Detached}:    {{left3 + 130, low + boxHeight}, {left3 + 130, low + 96}, {left5 + 90, low + 96}, {left5 + 90, low + boxHeight}},
	{autoscaling.Warmed, autoscaling.Pending}:                 {{left0 + boxWidth, middle + 31}, {left1 + 10, middle + 31}, {left1 + 10, high + boxHeight}},
	{autoscaling.Warmed, autoscaling.Terminating}:             {{left0 + 90, middle + boxHeight}, {left0 + 90, low + 31}, {left1, low + 31}},
}

// words stand beside arrows that would be hard to tell apart.
var words = []struct {
	at   point
	text string
}{
	{point{left2 + 158, 340}, "ROLLBACK"},
	{point{left2 + 18, 340}, "ABANDON"},
	{point{left3 - 43, high + 20}, "go on"},
	{point{left3 - 43, low + 20}, "go on"},
	{point{left1 + 98, high - 30}, "no launch hook"},
	{point{left1 + 98, low + 90}, "no terminate hook"},
	{point{left3 + 138, low + 90}, "attached, not entrusted"},
	{point{left3 + 148, 268}, "exit"},
	{point{30, low + 118}, "cancelled, or not begun in time"},
}

// picture is lifecycle.svg.
func picture() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="Helvetica, Arial, sans-serif">
<title>The lifecycle of an instance</title>
<!-- Written by tools/generate.sh from internal/autoscaling/lifecycle.go. Do not edit. -->
<defs>
`, canvasWidth, canvasHt)
	for _, colour := range []string{dark, grey} {
		fmt.Fprintf(&b, `<marker id="tip-%s" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#%s"/></marker>
`, colour, colour)
	}
	fmt.Fprintf(&b, "</defs>\n<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n", canvasWidth, canvasHt)
	legend(&b)
	for _, p := range panels {
		fmt.Fprintf(&b, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"10\" fill=\"%s\"/>\n", p.x, p.y, p.width, p.height, p.fill)
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" font-size=\"13\" fill=\"#666666\">%s</text>\n", p.name.x, p.name.y, html.EscapeString(string(p.phase)))
	}
	for _, r := range autoscaling.Lifecycle {
		arrows(&b, r)
	}
	for _, r := range autoscaling.Lifecycle {
		box(&b, r)
	}
	for _, w := range words {
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" font-size=\"11\" fill=\"#444444\">%s</text>\n", w.at.x, w.at.y, html.EscapeString(w.text))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

const (
	dark = "333333"
	grey = "aaaaaa"
)

func legend(b *strings.Builder) {
	line := func(x int, look, text string) {
		fmt.Fprintf(b, "<path d=\"M%d 34H%d\" %s/>\n<text x=\"%d\" y=\"38\" font-size=\"13\" fill=\"#333333\">%s</text>\n", x, x+46, look, x+56, text)
	}
	line(left0, stroke(true, false), "by itself")
	line(left0+150, stroke(false, false), "asked for")
	line(left0+300, stroke(false, true), "later")
}

func stroke(auto, later bool) string {
	colour, dash := dark, ` stroke-dasharray="6 4"`
	if auto {
		dash = ""
	}
	if later {
		colour = grey
	}
	return fmt.Sprintf(`fill="none" stroke="#%s" stroke-width="1.4"%s marker-end="url(#tip-%s)"`, colour, dash, colour)
}

func box(b *strings.Builder, r autoscaling.Row) {
	at, edge := corner[r.State], "#333333"
	if r.State == autoscaling.Warmed {
		edge = "#" + grey
	}
	width := "1.4"
	if r.State.Resting() || r.State.Final() {
		width = "3"
	}
	fmt.Fprintf(b, "<g><title>%s: %s</title>\n", r.State, html.EscapeString(r.Meaning))
	fmt.Fprintf(b, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"6\" fill=\"#ffffff\" stroke=\"%s\" stroke-width=\"%s\"/>\n", at.x, at.y, boxWidth, boxHeight, edge, width)
	y := at.y + 36
	if len(r.Steps) > 0 {
		y = at.y + 27
		fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\" font-size=\"10\" text-anchor=\"middle\" fill=\"#666666\">%s</text>\n", at.x+boxWidth/2, at.y+46, strings.ToLower(strings.ReplaceAll(steps(r), ", ", " · ")))
	}
	fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\" font-size=\"12\" font-weight=\"bold\" text-anchor=\"middle\" fill=\"#111111\">%s</text>\n</g>\n", at.x+boxWidth/2, y, r.State)
}

// arrows draws one for each state that a row leaves to by itself, and one for
// each that it leaves to when asked.
func arrows(b *strings.Builder, r autoscaling.Row) {
	type arrow struct {
		to          autoscaling.InstanceState
		auto, later bool
	}
	var order []arrow
	when := map[arrow][]string{}
	ways := map[autoscaling.InstanceState]int{}
	for _, e := range r.Exits {
		a := arrow{e.To, e.Auto, e.Later}
		if len(when[a]) == 0 {
			order = append(order, a)
			ways[e.To]++
		}
		when[a] = append(when[a], e.When)
	}
	for _, a := range order {
		shift := 0
		if ways[a.to] > 1 && !a.auto {
			shift = apart
		}
		fmt.Fprintf(b, "<path d=\"%s\" %s><title>%s → %s: %s</title></path>\n", line(r.State, a.to, shift), stroke(a.auto, a.later),
			r.State, a.to, html.EscapeString(strings.Join(when[a], "; or ")))
	}
}

// line is the path of an arrow. shift moves it aside.
func line(from, to autoscaling.InstanceState, shift int) string {
	route := routes[edge{from, to}]
	if route == nil {
		f, t := corner[from], corner[to]
		route = []point{{f.x + boxWidth, f.y + 31}, {t.x, t.y + 31}}
		if t.x < f.x {
			route = []point{{f.x, f.y + 31}, {t.x + boxWidth, t.y + 31}}
		}
	}
	var b strings.Builder
	last := len(route) - 1
	for n, p := range route {
		// The ends stay on the edges of the boxes: they move along them only.
		vertical := n > 0 && route[n-1].x == p.x || n == 0 && route[1].x == p.x
		end := n == 0 || n == last
		if !end || vertical {
			p.x += shift
		}
		if !end || !vertical {
			p.y += shift
		}
		fmt.Fprintf(&b, "%c%d %d", "ML"[min(n, 1)], p.x, p.y)
	}
	return b.String()
}
