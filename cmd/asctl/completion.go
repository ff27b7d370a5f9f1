package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// completePatience is how long a person at a prompt is kept waiting for names.
const completePatience = time.Second

func newCompletion(*app) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Write the completion script of a shell",
		Long: `Write the completion script of a shell. It completes commands, flags, and the names of what is on the server.

  bash:  source <(asctl completion bash)
  zsh:   asctl completion zsh > "${fpath[1]}/_asctl"
  fish:  asctl completion fish > ~/.config/fish/completions/asctl.fish`,
		Args:      arguments(cobra.ExactArgs(1)),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(c *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return c.Root().GenBashCompletionV2(c.OutOrStdout(), true)
			case "zsh":
				return c.Root().GenZshCompletion(c.OutOrStdout())
			case "fish":
				return c.Root().GenFishCompletion(c.OutOrStdout(), true)
			}
			return usagef("%q is none of bash, zsh, fish", args[0])
		},
	}
}

type completer = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// completeNames offers the names of the kind that the server knows; of what is
// in groups, first the group.
func (a *app) completeNames(k *kind) completer {
	return func(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		of, parent := k, a.namespaceName()
		none := cobra.ShellCompDirectiveNoFileComp
		group, _, inside := strings.Cut(typed, "/")
		switch {
		case k.inGroup && !inside:
			of = groups
			none |= cobra.ShellCompDirectiveNoSpace
		case k.inGroup:
			parent += "/groups/" + group
		}
		ctx, cancel := context.WithTimeout(c.Context(), completePatience)
		defer cancel()
		conn, err := a.connect()
		if err != nil {
			return nil, none
		}
		_, items, err := listAll(ctx, conn, of, listRequest{parent: parent, consistency: pb.Consistency_STALE}, pageSize)
		if err != nil {
			return nil, none
		}
		var names []string
		for _, m := range items {
			name := shortName(nameOf(m))
			if of != k {
				name += "/"
			}
			if strings.HasPrefix(name, typed) {
				names = append(names, name)
			}
		}
		return names, none
	}
}

// completeInstances offers GROUP/INSTANCE, or behind a group alone its instances.
func (a *app) completeInstances(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 || strings.Contains(args[0], "/") {
		return a.completeNames(instances)(c, args, typed)
	}
	name, err := a.groupName(args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.offered(c, instances, name, typed, func(m proto.Message) string { return output.Last(nameOf(m)) })
}

// completeParent offers groups for the name of something new in one.
func (a *app) completeParent(k *kind) completer {
	return func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if !k.inGroup || len(args) > 0 || strings.Contains(typed, "/") {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.completeNames(k)(c, args, typed)
	}
}

func (a *app) completeNodes(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(c.Context(), completePatience)
	defer cancel()
	status, err := a.clusterStatus(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, n := range status.Nodes {
		ids = append(ids, n.Id)
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
