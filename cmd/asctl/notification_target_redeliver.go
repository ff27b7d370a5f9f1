package main

import (
	"context"
	"fmt"
	"regexp"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

var deliveryID = regexp.MustCompile(`^[1-9][0-9]{0,19}$`)

type notificationTargetRedeliverOptions struct {
	app  *app
	name string
	ids  []string // none: all
}

func newNotificationTargetRedeliver(a *app, run func(context.Context, *notificationTargetRedeliverOptions) error) *cobra.Command {
	o := &notificationTargetRedeliverOptions{app: a}
	all := false
	c := &cobra.Command{
		Use:   "redeliver NOTIFICATION_TARGET ID...|--all",
		Short: "Send dead letters again, for another 24 hours",
		Args:  arguments(cobra.MinimumNArgs(1)),
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return a.completeNames(notificationTargets)(c, args, typed)
			}
			name, err := a.fullName(notificationTargets, args[0])
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.offered(c, deadLetters, name, typed, func(m proto.Message) string { return m.(*pb.Delivery).Id })
		},
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.name, err = a.fullName(notificationTargets, args[0]); err != nil {
				return err
			}
			o.ids = args[1:]
			if all == (len(o.ids) > 0) {
				return usagef("which dead letters? name their ids, or say --all; asctl notification-target dead-letters %s shows them", args[0])
			}
			for _, id := range o.ids {
				if !deliveryID.MatchString(id) {
					return usagef("%q is no id of a dead letter: they are numbers", id)
				}
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	c.Flags().BoolVar(&all, "all", false, "all that the target has")
	return c
}

// run asks again where the server takes only so many at once.
func (o *notificationTargetRedeliverOptions) run(ctx context.Context) error {
	a := o.app
	conn, err := a.connect()
	if err != nil {
		return err
	}
	sent, all := int32(0), int32(0)
	// It ends when as many were sent as there were, or none was. Those that die again
	// meanwhile are not sent a second time.
	for {
		answer, err := pb.NewNotificationServiceClient(conn).RedeliverDeadLetters(ctx, &pb.RedeliverDeadLettersRequest{Parent: o.name, DeadLetters: o.ids})
		if err != nil {
			return ofItems(err, "dead_letters", o.ids)
		}
		if a.asDocument() {
			if err := a.printer().One(answer, nil); err != nil {
				return err
			}
		}
		if sent == 0 {
			all = answer.GetCount() + answer.GetLeft()
		}
		sent += answer.GetCount()
		if len(o.ids) > 0 || sent >= all || answer.GetCount() == 0 || a.global.dryRun {
			break
		}
	}
	if !a.asDocument() {
		a.done("notification-target", o.name, fmt.Sprintf("dead letters sent again: %d", sent))
	}
	return nil
}
