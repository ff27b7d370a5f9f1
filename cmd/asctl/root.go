package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/asctl/as/cmd/asctl/output"
)

const about = `asctl works with AS, a service that keeps groups of instances at the size they need.

The grammar is noun, verb, names: what is in a group names its group first.

  asctl apply -f web.yaml            create or update what the file describes
  asctl group list
  asctl instance list web
  asctl rule execute web/add-two --wait
  asctl event watch --group web
  asctl explain instance i-0123456789abcdef0
  asctl doctor                       what is late or wrong, and what to do about it

Environment: AS_ADDR, AS_NAMESPACE, AS_TOKEN, AS_TOKEN_FILE, AS_CACERT, AS_CLIENT_CERT, AS_CLIENT_KEY, NO_COLOR.
Exit codes: 0 ok, 1 API or other error, 2 usage, 3 not found, 4 conflict or precondition, 5 auth, 6 unavailable,
124 wait timed out, 130 interrupted.`

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:               "asctl",
		Short:             "Work with AS, a service that scales groups of instances",
		Long:              about,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              unknownCommand,
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},

		SuggestionsMinimumDistance: 2,
	}
	a.registerGlobals(root)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return a.readGlobals(c) }
	for _, k := range kinds {
		root.AddCommand(newNoun(a, k))
	}
	root.AddCommand(
		newEvent(a), newMetric(a), newCluster(a), newNode(a), newProvider(a),
		newExplain(a), newDoctor(a, nil),
		newApply(a, nil), newDiff(a, nil), newDelete(a, nil), newExport(a),
		newCompletion(a), newVersion(a),
	)
	return root
}

func (a *app) registerGlobals(root *cobra.Command) {
	g, flags := &a.global, root.PersistentFlags()
	flags.StringSliceVar(&g.addresses, "addr", fromList(a.env("AS_ADDR"), "127.0.0.1:7400"), "server `host:port`; several are tried in order")
	flags.StringVarP(&g.namespace, "namespace", "n", orElse(a.env("AS_NAMESPACE"), "default"), "`namespace` to work in")
	flags.StringVarP(&g.format, "output", "o", output.Table, "output `format`: "+strings.Join(output.Formats, ", "))
	flags.BoolVar(&g.wait, "wait", false, "wait until the activity that was started ends; Ctrl-C detaches, it cancels nothing")
	flags.BoolVarP(&g.watch, "watch", "w", false, "get and list: go on showing what changes")
	flags.BoolVar(&g.yes, "yes", false, "delete without asking; needed where nobody can be asked")
	flags.BoolVar(&g.dryRun, "dry-run", false, "have the server check the change, not make it")
	flags.DurationVar(&g.timeout, "timeout", 0, "how `long` to try: default 15s for a request, 10m for --wait")
	flags.StringVar(&g.requestID, "request-id", "", "`id` under which the server remembers the change, so that it can be asked for again (default: random)")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(output.Formats, cobra.ShellCompDirectiveNoFileComp))
}

func (a *app) readGlobals(c *cobra.Command) error {
	g := &a.global
	g.formatGiven = c.Flags().Changed("output")
	g.namespaceGiven = c.Flags().Changed("namespace")
	if err := output.CheckFormat(g.format); err != nil {
		return usageError{err}
	}
	if !idPattern.MatchString(g.namespace) {
		return usagef("namespace %q is no id: lower-case letters, digits and hyphens, at most 63", g.namespace)
	}
	if g.timeout < 0 {
		return usagef("--timeout %s is negative", g.timeout)
	}
	g.addresses = slices.DeleteFunc(g.addresses, func(s string) bool { return s == "" })
	if len(g.addresses) == 0 {
		return usagef("--addr is empty")
	}
	return nil
}

// unknownCommand refuses what should have been a command.
func unknownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		hint = ": do you mean " + strings.Join(near, " or ") + "?"
	}
	return usagef("unknown command %q%s", args[0], hint)
}

// newBranch is a command that only has others below it.
func newBranch(use, short string, below ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: unknownCommand,
		SuggestionsMinimumDistance: 2,
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(below...)
	return c
}

// arguments makes a check of the arguments a usage error that names them.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if check(c, args) == nil {
			return nil
		}
		return usagef("expected %s, got %d arguments", strings.TrimSuffix(c.Use, " [flags]"), len(args))
	}
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func fromList(value, otherwise string) []string {
	return strings.Split(orElse(value, otherwise), ",")
}

var negative = regexp.MustCompile(`^-[0-9]+%?$`)

// negativesLast lets "group adjust web -2" be typed: a negative number that
// stands alone is moved behind "--", where it is not taken for a flag.
func negativesLast(args []string) []string {
	if len(args) < 2 || args[0] != "group" && !slices.Contains(args, "group") || !slices.Contains(args, "adjust") || slices.Contains(args, "--") {
		return args
	}
	var rest, numbers []string
	for i, arg := range args {
		if negative.MatchString(arg) && !strings.HasPrefix(args[max(i-1, 0)], "--") {
			numbers = append(numbers, arg)
		} else {
			rest = append(rest, arg)
		}
	}
	if numbers == nil {
		return args
	}
	return append(append(rest, "--"), numbers...)
}
