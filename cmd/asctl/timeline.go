package main

import (
	"io"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// timeline is the instance's life, with how long after the entry before each came:
// states, when they were entered, at the margin; their steps, when they were done,
// indented.
func timeline(i *pb.Instance) [][]string {
	var rows [][]string
	for n, e := range i.Timeline {
		what := "  " + e.GetStep()
		if e.GetState() != pb.Instance_STATE_UNSPECIFIED {
			what = e.GetState().String()
		}
		after := ""
		if n > 0 {
			after = "+" + output.Took(e.Time.AsTime().Sub(i.Timeline[n-1].Time.AsTime()))
		}
		rows = append(rows, []string{output.Millis(e.Time), after, what, e.Message})
	}
	return rows
}

// writeTimeline is what the wide form of one instance has below its row.
func (a *app) writeTimeline(i *pb.Instance) error {
	if _, err := io.WriteString(a.out, "\n"); err != nil {
		return err
	}
	return output.WriteTable(a.out, append([][]string{{"TIME", "AFTER", "STATE", "MESSAGE"}}, timeline(i)...), false)
}
