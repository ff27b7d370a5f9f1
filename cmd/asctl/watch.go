package main

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/client"
	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

const (
	// watchSettle lets a burst of events become one look.
	watchSettle = 150 * time.Millisecond
	// watchLook is how often it looks without an event: ages grow, and an event may
	// have been missed while no node answered.
	watchLook = 5 * time.Second
)

// fetchFunc reads what is watched; the response is nil where there is no list.
type fetchFunc func(context.Context) (response proto.Message, items []proto.Message, err error)

// watchResources shows what fetch answers, again whenever events say that
// something changed, until ctx ends: redrawn on a terminal, only what changed
// elsewhere.
func (a *app) watchResources(ctx context.Context, conn *client.Cluster, group string, k *kind, fetch fetchFunc) error {
	if a.global.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.global.timeout)
		defer cancel()
	}
	woken := make(chan struct{}, 1)
	failed := make(chan error, 1)
	following, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		failed <- follow(following, conn, &pb.WatchEventsRequest{Namespace: a.global.namespace, Group: group, AfterIndex: -1}, func(*pb.Event) error {
			select {
			case woken <- struct{}{}:
			default: // a look is due already
			}
			return nil
		})
	}()
	v := watchView{app: a, kind: k, seen: map[string]proto.Message{}}
	err := v.loop(ctx, fetch, woken, failed)
	stop()
	if errors.Is(err, context.DeadlineExceeded) && a.global.timeout > 0 {
		return coded{code: exitTimedOut}
	}
	return err
}

// watchView is what was shown so far.
type watchView struct {
	app   *app
	kind  *kind
	seen  map[string]proto.Message
	title bool
}

func (v *watchView) loop(ctx context.Context, fetch fetchFunc, woken <-chan struct{}, failed <-chan error) error {
	for {
		_, items, err := fetch(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		}
		if err := v.show(items); err != nil {
			return err
		}
		timer := time.NewTimer(watchLook)
		select {
		case <-ctx.Done():
		case err = <-failed:
		case <-timer.C:
		case <-woken:
			err = sleep(ctx, watchSettle)
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

func (v *watchView) show(items []proto.Message) error {
	changed := v.changes(items)
	p := v.app.printer()
	table := p.Format == output.Table || p.Format == output.Wide
	if table && v.app.outTerminal {
		if _, err := v.app.out.Write([]byte("\x1b[H\x1b[2J")); err != nil {
			return err
		}
		return p.List(nil, items, v.kind.columns)
	}
	if len(changed) == 0 && v.title {
		return nil
	}
	if table || p.Format == output.Name {
		p.NoHeader = v.title
		v.title = true
		return p.List(nil, changed, v.kind.columns)
	}
	v.title = true
	for _, m := range changed {
		if err := p.One(m, v.kind.columns); err != nil {
			return err
		}
	}
	return nil
}

// changes are the items that are new or not as they were.
func (v *watchView) changes(items []proto.Message) []proto.Message {
	var changed []proto.Message
	now := map[string]proto.Message{}
	for _, m := range items {
		name := keyOf(m)
		now[name] = m
		if before, ok := v.seen[name]; !ok || !proto.Equal(before, m) {
			changed = append(changed, m)
		}
	}
	for name := range v.seen {
		if _, ok := now[name]; !ok {
			v.app.note("gone: %s/%s", v.kind.noun, shortName(name))
		}
	}
	v.seen = now
	return changed
}
