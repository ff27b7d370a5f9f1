package main

import (
	"fmt"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
)

const introduction = `# The lifecycle of an instance

<!-- Written by tools/generate.sh from internal/autoscaling/lifecycle.go. Do not edit. -->

One table rules every change of an instance's state. Below it is told three times: as a picture, state by state, and in the words of three
public services, for readers who come from there.

![The states, and what may follow what](lifecycle.svg)

Solid arrows are taken by themselves, when the sub-steps of a state are done, fail, or are late. Dashed ones are asked for: by people, rules,
health checks or the programs behind hooks. Grey ones are not reachable yet. Under the name of a state stand its sub-steps, in order; those
with nothing to do are passed over, so that a group without load balancers and hooks goes from PENDING to IN_SERVICE at once.

INITIAL to IN_SERVICE count towards the desired capacity. Every state that is not final has somebody who moves it on, and a next step; unless
it is at rest it has a deadline, too, which is in the record, so that a new leader keeps it.

## State by state
`

// page is lifecycle.md.
func page() string {
	var b strings.Builder
	b.WriteString(introduction)
	for _, r := range autoscaling.Lifecycle {
		row(&b, r)
	}
	b.WriteString("\n## In the words of others\n\n| State | Amazon EC2 Auto Scaling | Huawei Cloud AS | Alibaba Cloud ESS |\n|---|---|---|---|\n")
	for _, r := range autoscaling.Lifecycle {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.State, orDash(r.AWS), orDash(r.Huawei), orDash(r.Alibaba))
	}
	return b.String()
}

func row(b *strings.Builder, r autoscaling.Row) {
	fmt.Fprintf(b, "\n### %s\n\n%s.\n\n", r.State, sentence(r.Meaning))
	if len(r.Steps) > 0 {
		fmt.Fprintf(b, "- Sub-steps: %s\n", steps(r))
	}
	if r.Owner != "" {
		fmt.Fprintf(b, "- Moved on by: %s\n- Next: %s\n", r.Owner, r.Next)
	}
	if r.Deadline != "" {
		fmt.Fprintf(b, "- Deadline: %s\n", r.Deadline)
	}
	if len(r.Exits) == 0 {
		return
	}
	b.WriteString("\n| Leaves to | | When |\n|---|---|---|\n")
	for _, e := range r.Exits {
		how, later := "asked for", ""
		if e.Auto {
			how = "by itself"
		}
		if e.Later {
			later = " (not reachable yet)"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s%s |\n", e.To, how, e.When, later)
	}
}

// steps are a row's, each once.
func steps(r autoscaling.Row) string {
	var names []string
	seen := map[autoscaling.Step]bool{}
	for _, s := range r.Steps {
		if !seen[s] {
			names = append(names, s.String())
		}
		seen[s] = true
	}
	return strings.Join(names, ", ")
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
