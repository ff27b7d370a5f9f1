package main

import (
	"context"

	"github.com/spf13/cobra"
)

// newHookPending lists what waits for an answer, with how much time is left.
func newHookPending(a *app, run func(context.Context, *listOptions) error) *cobra.Command {
	c := newList(a, lifecycleActions, run)
	c.Use, c.Aliases = "pending GROUP", nil
	c.Short = "List the instances that hooks hold, how long still, and the tokens that answer"
	return c
}
