package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// testPatience is how long a test waits for the target unless --timeout says else.
const testPatience = 15 * time.Second

// testLook is how long it looks away at most: each look goes through all that waits.
const testLook = 2 * time.Second

type notificationTestOptions struct {
	app  *app
	name string
}

// newNotificationTest sends a test event and says what became of it.
func newNotificationTest(a *app, run func(context.Context, *notificationTestOptions) error) *cobra.Command {
	o := &notificationTestOptions{app: a}
	return &cobra.Command{
		Use:   "test NOTIFICATION_TARGET",
		Short: "Send a test event to a target and see whether it is taken",
		Long: `Send a test event to a target, the way all events go, and see whether the target takes it.
Exit codes: 0 taken, 1 tried in vain, 124 not tried within --timeout (default 15s). What was not taken is tried again later.`,
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeNames(notificationTargets),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.name, err = a.fullName(notificationTargets, args[0]); err != nil {
				return err
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
}

func (o *notificationTestOptions) run(ctx context.Context) error {
	a := o.app
	conn, err := a.connect()
	if err != nil {
		return err
	}
	delivery, err := pb.NewNotificationServiceClient(conn).TestNotificationTarget(ctx, &pb.TestNotificationTargetRequest{Name: o.name})
	if err != nil {
		return err
	}
	if a.global.dryRun {
		a.done("notification-target", o.name, "can be tested")
		return nil
	}
	if a.asDocument() {
		if err := a.printer().One(delivery, deliveryColumns); err != nil {
			return err
		}
	}
	return o.follow(ctx, conn, delivery)
}

// follow looks until the target has taken the event, or an attempt has failed.
func (o *notificationTestOptions) follow(ctx context.Context, conn grpc.ClientConnInterface, sent *pb.Delivery) error {
	a := o.app
	patience := a.global.timeout
	if patience == 0 {
		patience = testPatience
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	short := shortName(o.name)
	for pause := waitLook; ; pause = min(2*pause, testLook) {
		_, items, err := listAll(waiting, conn, deliveries, listRequest{parent: o.name, filter: "id = " + sent.Id}, 1)
		switch {
		case waiting.Err() != nil:
		case err != nil:
			return err
		case len(items) == 0:
			if !a.asDocument() {
				a.done("notification-target", o.name, "has taken the test event "+sent.Id)
			}
			return nil
		case items[0].(*pb.Delivery).LastError != "":
			d := items[0].(*pb.Delivery)
			next := "it is tried again: asctl notification-target deliveries " + short
			if d.State == pb.Delivery_DEAD {
				next = "it is a dead letter: asctl notification-target dead-letters " + short
			}
			return coded{code: exitError, err: fmt.Errorf("notification-target %s does not take it: %s; %s", short, output.Line(d.LastError), next)}
		}
		if sleep(waiting, pause) == nil {
			continue
		}
		if ctx.Err() != nil {
			return coded{code: exitInterrupted, err: errors.New("detached; the test event is still sent")}
		}
		return coded{code: exitTimedOut, err: fmt.Errorf("the test event has not been tried within %s; it is still sent: asctl notification-target deliveries %s", patience, short)}
	}
}
