package output

import (
	"fmt"
	"io"

	"charm.land/bubbles/v2/progress"
	"charm.land/lipgloss/v2"
)

// Progress shows how far something is: a bar redrawn in place on a terminal, a
// line per change elsewhere.
type Progress struct {
	Out      io.Writer
	Terminal bool
	Color    bool
	last     string
	drawn    bool
}

// Show shows the state: percent from 0 to 100, and words before and after the bar.
func (p *Progress) Show(before string, percent int, after string) {
	line := fmt.Sprintf("%s %d%% %s", before, percent, after)
	if line == p.last {
		return
	}
	p.last = line
	if !p.Terminal {
		fmt.Fprintln(p.Out, line)
		return
	}
	p.drawn = true
	fmt.Fprintf(p.Out, "\r\x1b[K%s %s %s", before, p.bar().ViewAs(float64(percent)/100), after)
}

// Done ends the line of a bar, so that what follows begins on its own.
func (p *Progress) Done() {
	if p.drawn {
		fmt.Fprintln(p.Out)
		p.drawn = false
		p.last = "" // what comes next is drawn, even if it is the same
	}
}

func (p *Progress) bar() *progress.Model {
	options := []progress.Option{progress.WithWidth(32)}
	if p.Color {
		options = append(options, progress.WithDefaultBlend())
	} else {
		options = append(options, progress.WithColors(lipgloss.NoColor{}), progress.WithFillCharacters('#', '.'))
	}
	bar := progress.New(options...)
	if !p.Color {
		bar.EmptyColor = lipgloss.NoColor{}
	}
	return &bar
}
