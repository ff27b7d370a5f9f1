package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newNotificationTargetDeliveries(a *app, run func(context.Context, *listOptions) error) *cobra.Command {
	c := newList(a, deliveries, run)
	c.Use, c.Aliases = "deliveries NOTIFICATION_TARGET", nil
	c.Short = "List what is on its way to a target, and why it has not arrived"
	return c
}

func newNotificationTargetDeadLetters(a *app, run func(context.Context, *listOptions) error) *cobra.Command {
	c := newList(a, deadLetters, run)
	c.Use, c.Aliases = "dead-letters NOTIFICATION_TARGET", nil
	c.Short = "List what could not be delivered within 24 hours"
	return c
}
