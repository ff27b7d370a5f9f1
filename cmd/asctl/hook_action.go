package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// actionAddress says which holds of hooks are meant: one by its token, one by
// instance and hook, or all of an activity at a hook.
type actionAddress struct {
	group                           string
	token, instance, hook, activity string
}

// register adds the flags, which offer what waits now.
func (s *actionAddress) register(a *app, c *cobra.Command) {
	c.Flags().StringVar(&s.token, "token", "", "the `token` of the notice")
	c.Flags().StringVar(&s.instance, "instance", "", "the `instance` that waits, with --hook")
	c.Flags().StringVar(&s.activity, "activity", "", "the `activity` all of whose instances that wait are meant, with --hook")
	c.Flags().StringVar(&s.hook, "hook", "", "the `hook` that it waits for")
	a.completePending(c, "token", func(w *pb.LifecycleAction) string { return w.Token })
	a.completePending(c, "instance", func(w *pb.LifecycleAction) string { return output.Last(w.Instance) })
	a.completePending(c, "activity", func(w *pb.LifecycleAction) string { return output.Last(w.Activity) })
	a.completePending(c, "hook", func(w *pb.LifecycleAction) string { return output.Last(w.Hook) })
}

// read takes the group and checks that the rest is one of the three ways.
func (s *actionAddress) read(a *app, args []string) error {
	var err error
	if s.group, err = a.groupName(args[0]); err != nil {
		return err
	}
	// GROUP/ID is what lists show.
	for _, id := range []*string{&s.instance, &s.activity, &s.hook} {
		*id = strings.TrimPrefix(*id, args[0]+"/")
	}
	byToken := s.token != "" && s.instance == "" && s.activity == "" && s.hook == ""
	byHook := s.token == "" && s.hook != "" && (s.instance == "") != (s.activity == "")
	if !byToken && !byHook {
		return usagef("which hold? say --token, or --hook with --instance or --activity; asctl hook pending %s shows them", args[0])
	}
	return nil
}

// completePending offers for a flag what the holds of the group named before have.
func (a *app) completePending(c *cobra.Command, flag string, of func(*pb.LifecycleAction) string) {
	_ = c.RegisterFlagCompletionFunc(flag, func(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		name, err := a.groupName(args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.offered(c, lifecycleActions, name, typed, func(m proto.Message) string { return of(m.(*pb.LifecycleAction)) })
	})
}

// offered are the words that the things below a parent have, each once.
func (a *app) offered(c *cobra.Command, k *kind, parent, typed string, of func(proto.Message) string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(c.Context(), completePatience)
	defer cancel()
	conn, err := a.connect()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	_, items, err := listAll(ctx, conn, k, listRequest{parent: parent, consistency: pb.Consistency_STALE}, pageSize)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, m := range items {
		if word := of(m); word != "" && strings.HasPrefix(word, typed) && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// answered shows the holds that an answer was about: as asked for, else what
// became of each in a line.
func (a *app) answered(response proto.Message, actions []*pb.LifecycleAction, what func(*pb.LifecycleAction) string) error {
	if a.global.formatGiven {
		var items []proto.Message
		for _, w := range actions {
			items = append(items, w)
		}
		return a.printer().List(response, items, lifecycleActions.columns)
	}
	for _, w := range actions {
		a.done("instance", w.Instance, what(w))
	}
	return nil
}
