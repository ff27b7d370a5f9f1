package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

const (
	// waitPatience is how long --wait waits unless --timeout says else.
	waitPatience = 10 * time.Minute
	waitLook     = 200 * time.Millisecond
)

// waitForActivity shows the activity's progress until it ends. It answers the
// ended activity, with an error when it did not end well; nil when it was not
// waited for to the end. It only looks: leaving it changes nothing.
func (a *app) waitForActivity(ctx context.Context, activity *pb.Activity) (*pb.Activity, error) {
	conn, err := a.connect()
	if err != nil {
		return nil, err
	}
	patience := a.global.timeout
	if patience == 0 {
		patience = waitPatience
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	bar := &output.Progress{Out: a.err, Terminal: a.errTerminal, Color: a.color(a.errTerminal)}
	held := a.blockersOf(activity)
	for {
		showProgress(bar, activity)
		if lines := held.look(waiting, conn); len(lines) > 0 {
			bar.Done()
			a.note("%s", strings.Join(lines, "\n"))
		}
		if activity.Status != pb.Activity_IN_PROGRESS {
			bar.Done()
			return activity, outcome(activity)
		}
		if err := sleep(waiting, waitLook); err != nil {
			bar.Done()
			return nil, leftWaiting(ctx, activity, patience)
		}
		next, err := pb.NewActivityServiceClient(conn).GetActivity(waiting, &pb.GetActivityRequest{Name: activity.Name})
		switch {
		case waiting.Err() != nil:
			bar.Done()
			return nil, leftWaiting(ctx, activity, patience)
		case err != nil:
			bar.Done()
			return nil, err
		}
		activity = next
	}
}

// waitForGroup waits for whatever the group is doing now and answers the group.
func (a *app) waitForGroup(ctx context.Context, name string) (*pb.Group, error) {
	conn, err := a.connect()
	if err != nil {
		return nil, err
	}
	running, err := runningActivity(ctx, conn, name)
	if err != nil {
		return nil, err
	}
	if running != nil {
		if _, err := a.waitForActivity(ctx, running); err != nil {
			return nil, err
		}
	}
	return pb.NewGroupServiceClient(conn).GetGroup(ctx, &pb.GetGroupRequest{Name: name})
}

// runningActivity is the newest activity of the group that runs, or nil.
func runningActivity(ctx context.Context, conn grpc.ClientConnInterface, group string) (*pb.Activity, error) {
	_, items, err := listAll(ctx, conn, activities, listRequest{parent: group, filter: "status = IN_PROGRESS"}, 1)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	return items[0].(*pb.Activity), nil
}

func showProgress(bar *output.Progress, activity *pb.Activity) {
	ended := 0
	for _, i := range activity.Instances {
		if i.Status != pb.Activity_IN_PROGRESS && i.Status != pb.Activity_STATUS_UNSPECIFIED {
			ended++
		}
	}
	percent := int(activity.GetProgressPercent())
	if activity.ProgressPercent == nil && activity.GetCount() > 0 {
		percent = 100 * ended / int(activity.GetCount())
	}
	what := fmt.Sprintf("%s %s %s", shortName(activity.Name), activity.Kind, capacityChange(activity))
	bar.Show(what, percent, fmt.Sprintf("%s, %d of %d instances", activity.Status, ended, activity.GetCount()))
}

// outcome is an error unless the activity ended well.
func outcome(activity *pb.Activity) error {
	if activity.Status == pb.Activity_SUCCESSFUL {
		return nil
	}
	text := fmt.Sprintf("activity %s ended %s", shortName(activity.Name), activity.Status)
	if activity.Reason != "" {
		text += " (" + activity.Reason + ")"
	}
	if activity.Message != "" {
		text += ": " + activity.Message
	}
	switch failed := itemErrors(activity); {
	case len(failed) == 1 && activity.Message == "":
		text += ": " + failed[0]
	case len(failed) > 1:
		text += "\n  " + strings.Join(failed, "\n  ")
	}
	return coded{code: exitError, err: errors.New(text)}
}

// itemErrors are what went wrong with each of the activity's instances.
func itemErrors(activity *pb.Activity) []string {
	var failed []string
	for _, i := range activity.Instances {
		if i.Error != "" {
			failed = append(failed, output.Last(i.Instance)+": "+i.Error)
		}
	}
	return failed
}

// leftWaiting says that the activity goes on without us.
func leftWaiting(ctx context.Context, activity *pb.Activity, patience time.Duration) error {
	name := shortName(activity.Name)
	if ctx.Err() != nil {
		return coded{code: exitInterrupted, err: fmt.Errorf("detached; activity %s goes on: asctl activity get %s --wait", name, name)}
	}
	return coded{code: exitTimedOut, err: fmt.Errorf("activity %s has not ended after %s; it goes on: asctl activity get %s --wait", name, patience, name)}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
