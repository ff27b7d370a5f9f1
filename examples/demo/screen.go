package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// screen shows the picture: redrawn in place on a terminal, a line per change
// elsewhere.
type screen struct {
	out      io.Writer
	terminal bool
	start    time.Time
	chapter  string
	lastLine string
	lastSent int64
	lastLook time.Time
	seen     int64 // events already printed off a terminal
}

func newScreen() *screen {
	return &screen{out: os.Stdout, terminal: term.IsTerminal(int(os.Stdout.Fd())), start: time.Now()}
}

// say begins a chapter of the story.
func (s *screen) say(format string, args ...any) {
	s.chapter = fmt.Sprintf(format, args...)
	if !s.terminal {
		fmt.Fprintf(s.out, "\n%6.1fs  == %s\n", time.Since(s.start).Seconds(), s.chapter)
	}
}

func (s *screen) show(p picture, o *observer, l *load) {
	sent := l.sent.Load()
	rate := 0.0
	if d := time.Since(s.lastLook); !s.lastLook.IsZero() && d > 0 {
		rate = float64(sent-s.lastSent) / d.Seconds()
	}
	s.lastSent, s.lastLook = sent, time.Now()

	if !s.terminal {
		s.plain(p, o, l)
		return
	}
	var b strings.Builder
	b.WriteString("\x1b[H\x1b[2J")
	fmt.Fprintf(&b, "AS demo  %5.1fs   %s\n\n", time.Since(s.start).Seconds(), s.chapter)
	leader := p.leader
	if leader == "" {
		leader = "(none)"
	}
	fmt.Fprintf(&b, "  cluster    leader %s, term %d\n", leader, p.term)
	fmt.Fprintf(&b, "  capacity   desired %d of %d..%d   in service %d   pending %d   leaving %d\n",
		p.group.GetDesiredCapacity(), p.group.GetMinSize(), p.group.GetMaxSize(), p.group.GetCounts().GetInService(),
		p.group.GetCounts().GetInitial()+p.group.GetCounts().GetPending(), p.group.GetCounts().GetTerminating())
	fmt.Fprintf(&b, "  load       %3.0f requests/s   %d sent   %d failed   %s\n\n", rate, sent, l.failed.Load(), l.latency().Round(time.Millisecond/10))
	for _, i := range p.instances {
		id := i.Name[strings.LastIndex(i.Name, "/")+1:]
		fmt.Fprintf(&b, "  %-20s %-20s %-13s %s\n", id, i.State, i.Health, strings.Join(i.Addresses, ","))
	}
	b.WriteString("\n")
	for _, e := range o.latest(12) {
		fmt.Fprintf(&b, "  %s\n", eventLine(e))
	}
	io.WriteString(s.out, b.String())
}

func (s *screen) plain(p picture, o *observer, l *load) {
	for _, e := range o.latest(1 << 20) {
		if e.Index > s.seen {
			s.seen = e.Index
			fmt.Fprintf(s.out, "         %s\n", eventLine(e))
		}
	}
	line := fmt.Sprintf("leader %-3s desired %d  in service %d  pending %d  leaving %d", p.leader, p.group.GetDesiredCapacity(), p.group.GetCounts().GetInService(),
		p.group.GetCounts().GetInitial()+p.group.GetCounts().GetPending(), p.group.GetCounts().GetTerminating())
	if line == s.lastLine {
		return
	}
	s.lastLine = line
	fmt.Fprintf(s.out, "%6.1fs  %s   %d sent, %d failed\n", time.Since(s.start).Seconds(), line, l.sent.Load(), l.failed.Load())
}

func eventLine(e *pb.Event) string {
	text := e.Message
	if e.Type == pb.Event_INSTANCE_STATE {
		text = e.State.String() + "  " + text
	}
	if about := cmp.Or(e.Instance, e.Subject); about != "" {
		text = about + "  " + text
	}
	return fmt.Sprintf("%s  %-20s %s", e.Time.AsTime().Format("15:04:05.000"), e.Type, text)
}
