package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type hookCompleteOptions struct {
	app     *app
	address actionAddress
	result  pb.LifecycleHook_Result
}

func newHookComplete(a *app, run func(context.Context, *hookCompleteOptions) error) *cobra.Command {
	o := &hookCompleteOptions{app: a}
	result := ""
	words := wordsOf(o.result.Descriptor())
	c := &cobra.Command{
		Use:   "complete GROUP",
		Short: "Say how an instance that a hook holds goes on",
		Long: `Say how an instance that a hook holds goes on.

  CONTINUE  on, when all hooks of the transition have said so
  ABANDON   a launch fails, and another instance is made; a removal goes on at once
  ROLLBACK  of a removal: back into service`,
		Example: `  asctl hook pending web
  asctl hook complete web --token 6d1a3c5e-7f00-8123-8456-789abcdef012 --result CONTINUE
  asctl hook complete web --instance i-0123456789abcdef0 --hook warm-up --result CONTINUE
  asctl hook complete web --activity 42 --hook warm-up --result ABANDON`,
		Args:              arguments(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeNames(groups),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.address.read(a, args); err != nil {
				return err
			}
			if result == "" {
				return usagef("how does it go on? say --result CONTINUE, ABANDON or ROLLBACK")
			}
			value, err := parseEnum(o.result.Descriptor(), result)
			if err != nil {
				return usagef("--result: %w", err)
			}
			o.result = pb.LifecycleHook_Result(value.Enum())
			if run != nil {
				return run(c.Context(), o)
			}
			return o.run(c.Context())
		},
	}
	o.address.register(a, c)
	c.Flags().StringVar(&result, "result", "", "how it goes on: CONTINUE, ABANDON, ROLLBACK")
	_ = c.RegisterFlagCompletionFunc("result", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (o *hookCompleteOptions) run(ctx context.Context) error {
	conn, err := o.app.connect()
	if err != nil {
		return err
	}
	s := o.address
	answer, err := pb.NewLifecycleHookServiceClient(conn).CompleteLifecycleAction(ctx, &pb.CompleteLifecycleActionRequest{
		Parent: s.group, Token: s.token, Instance: s.instance, Hook: s.hook, Activity: s.activity, Result: o.result,
	})
	if err != nil {
		return err
	}
	return o.app.answered(answer, answer.LifecycleActions, func(w *pb.LifecycleAction) string {
		return "hook " + output.Last(w.Hook) + ": " + orElse(resultWord(w.Result), o.result.String())
	})
}
