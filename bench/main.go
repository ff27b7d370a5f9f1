// Command bench measures AS against its goals: three real processes on this
// machine, and, with --peers, etcd beside them in the same run with the same
// client. It prints a table with medians, ratios and floors, and writes the same
// as JSON. Ratios of one run are what counts: absolute figures drift with the
// machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

type options struct {
	asserver string
	etcd     string // path of the etcd server, empty: without peers
	repeat   int
	duration time.Duration
	kills    int
	only     map[string]bool
	out      string
}

func (o options) wants(goal string) bool { return len(o.only) == 0 || o.only[goal] }

func main() {
	if len(os.Args) > 1 && os.Args[1] == emptyServerMode {
		serveEmpty()
		return
	}
	var o options
	var only string
	flag.StringVar(&o.asserver, "asserver", "bin/asserver", "the server to measure")
	flag.StringVar(&o.etcd, "peers", "", "the etcd server to measure beside it")
	flag.IntVar(&o.repeat, "repeat", 5, "interleaved repetitions; medians are quoted")
	flag.DurationVar(&o.duration, "duration", 4*time.Second, "length of one measurement")
	flag.IntVar(&o.kills, "kills", 20, "leader kills for the fail-over goal")
	flag.StringVar(&only, "only", "", "goals to measure, e.g. G1,G6; empty: all")
	flag.StringVar(&o.out, "out", "bench/results", "directory for the JSON")
	flag.Parse()
	o.only = map[string]bool{}
	for goal := range strings.SplitSeq(only, ",") {
		if goal != "" {
			o.only[goal] = true
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "as-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := &report{Start: time.Now()}
	steps := []struct {
		goals []string
		run   func(context.Context, options, string, *report) error
	}{
		{[]string{"F1"}, measureFsync},
		{[]string{"G12"}, measureApply},
		{[]string{"G1", "G2", "G3"}, measureThroughput},
		{[]string{"G6"}, measureFailOver},
		{[]string{"G8"}, measureTransfer},
		{[]string{"G9"}, measureLaunch},
		{[]string{"HOOKS"}, measureHooks},
		{[]string{"IDLE"}, measureIdle},
	}
	for _, step := range steps {
		wanted := false
		for _, goal := range step.goals {
			wanted = wanted || o.wants(goal)
		}
		if !wanted {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s …\n", strings.Join(step.goals, ", "))
		below := filepath.Join(dir, step.goals[0])
		if err := os.MkdirAll(below, 0o700); err != nil {
			return err
		}
		if err := step.run(ctx, o, below, r); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(step.goals, ", "), err)
		}
	}
	r.print(os.Stdout)
	return r.save(o.out)
}
