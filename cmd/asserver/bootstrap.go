package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/asctl/as/internal/server"
)

// bootstrapCommand lets a cluster be founded although a node is missing.
func bootstrapCommand() *cobra.Command {
	var s settings
	var without []string
	c := &cobra.Command{
		Use:   "bootstrap --config FILE --without NODE",
		Short: "Let a new cluster be founded although a node of initial-cluster is missing",
		Long: "A new cluster is founded when all nodes of initial-cluster are there. bootstrap notes in this node's data\n" +
			"directory that the named ones may be missing; run it on one of the others, whether asserver runs there or not.\n" +
			"The missing node votes when it has come and caught up.\n\n" +
			"Never do this when the missing node may have data: what it has would not be part of the new cluster, and the\n" +
			"node would be refused as one of another cluster.",
		Example: "  asserver bootstrap --config node1.yaml --without n3",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.load(cmd.Flags()); err != nil {
				return usageError{err}
			}
			if len(without) == 0 {
				return usageError{errors.New("bootstrap: which node is missing? (--without NODE)")}
			}
			if s.config.DataDir == "" {
				return usageError{errors.New("bootstrap: data-dir: required")}
			}
			if err := server.AllowMissing(s.config, without); err != nil {
				return fmt.Errorf("bootstrap: %w", err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "WARNING: if %[1]s has data of a cluster, that data is not part of the one founded now. "+
				"Start %[1]s instead if it can be started.\n", strings.Join(without, ", "))
			fmt.Fprintf(cmd.OutOrStdout(), "noted: the cluster may be founded without %s, by the other nodes together\n", strings.Join(without, ", "))
			return nil
		},
	}
	s.register(c.Flags())
	c.Flags().StringSliceVar(&without, "without", nil, "`node` that may be missing; may be repeated")
	return c
}
