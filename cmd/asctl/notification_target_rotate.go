package main

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type notificationTargetRotateOptions struct {
	app          *app
	name, secret string
}

func newNotificationTargetRotateSecret(a *app, run func(context.Context, *notificationTargetRotateOptions) error) *cobra.Command {
	o := &notificationTargetRotateOptions{app: a}
	c := &cobra.Command{
		Use:               "rotate-secret NOTIFICATION_TARGET",
		Short:             "Sign with a new secret; for 24 hours the one before signs too",
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeNames(notificationTargets),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.name, err = a.fullName(notificationTargets, args[0]); err != nil {
				return err
			}
			if file, ok := strings.CutPrefix(o.secret, "@"); ok {
				content, err := os.ReadFile(a.path(file))
				if err != nil {
					return usagef("--secret: %w", fileError(file, err))
				}
				o.secret = strings.TrimSpace(string(content))
			}
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	c.Flags().StringVar(&o.secret, "secret", "", "the new `secret`, whsec_ and base64 of 24 to 64 bytes; @FILE reads it (default: one is made, and shown once)")
	return c
}

func (o *notificationTargetRotateOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	target, err := pb.NewNotificationServiceClient(conn).RotateNotificationTargetSecret(ctx, &pb.RotateNotificationTargetSecretRequest{Name: o.name, Secret: o.secret})
	if err != nil {
		return err
	}
	if err := o.app.changed(ctx, notificationTargets, target, "signs with a new secret"); err != nil {
		return err
	}
	o.app.tellSecret(target, o.secret)
	return nil
}

// secretOf is the signing secret in a target; empty for others.
func secretOf(m proto.Message) string {
	t, _ := m.(*pb.NotificationTarget)
	return t.GetWebhook().GetSecret()
}

// tellSecret shows a secret that the server made: it does so only once.
func (a *app) tellSecret(m proto.Message, given string) {
	if secret := secretOf(m); secret != "" && given == "" && !a.global.formatGiven && !a.global.dryRun {
		_, _ = a.out.Write([]byte(secret + "\n"))
		a.note("keep this secret: it is not shown again")
	}
}
