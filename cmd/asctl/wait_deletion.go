package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

const (
	// blockersLook is how often a deletion that is waited for is asked what holds
	// it up.
	blockersLook = time.Second
	// blockersShown is how many instances are told of at once.
	blockersShown = 5
)

// blockers tells what holds up the deletion of a group, whenever that changes.
type blockers struct {
	app    *app
	group  string
	looked time.Time
	told   string
}

// blockersOf is nil for an activity that deletes no group.
func (a *app) blockersOf(activity *pb.Activity) *blockers {
	if activity.Kind != pb.Activity_DELETE_GROUP {
		return nil
	}
	group, _ := parentOf(activity.Name)
	return &blockers{app: a, group: group, looked: time.Now()}
}

// look answers what is new to tell. It never fails: the waiting goes on without.
func (b *blockers) look(ctx context.Context, conn grpc.ClientConnInterface) []string {
	if b == nil || time.Since(b.looked) < blockersLook {
		return nil
	}
	b.looked = time.Now()
	response, items, err := listAll(ctx, conn, instances, listRequest{parent: b.group}, blockersShown)
	if err != nil {
		return nil // the group is gone, or will be asked again
	}
	lines, key := b.conditions(ctx, conn)
	for _, m := range items {
		i := m.(*pb.Instance)
		words := []string{"  " + shortName(i.Name), i.State.String()}
		if held := heldBy(i); held != "" {
			words = append(words, "held by "+held)
		} else if i.Step != "" {
			words = append(words, i.Step)
		}
		key = append(key, words...)
		if left := output.Until(i.Deadline, b.app.now()); left != "" {
			words = append(words, left+" left")
		}
		lines = append(lines, strings.Join(words, "  "))
	}
	if more := totalSize(response) - len(items); more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more", more))
	}
	told := strings.Join(key, " ")
	if told == b.told {
		return nil
	}
	b.told = told
	return lines
}

// conditions are those of the group that hold.
func (b *blockers) conditions(ctx context.Context, conn grpc.ClientConnInterface) (lines, key []string) {
	m, err := groups.get(ctx, conn, b.group, pb.Consistency_CONSISTENCY_UNSPECIFIED)
	if err != nil {
		return nil, nil
	}
	for _, c := range m.(*pb.Group).Conditions {
		if c.Status == pb.Condition_TRUE {
			lines, key = append(lines, "  "+c.Type+"  "+c.Message), append(key, c.Type, c.Message)
		}
	}
	return lines, key
}

// heldBy are the hooks that hold the instance now.
func heldBy(i *pb.Instance) string {
	var names []string
	for _, w := range i.Waits {
		if w.EndTime == nil && w.Result == pb.LifecycleHook_RESULT_UNSPECIFIED {
			names = append(names, output.Last(w.Hook))
		}
	}
	return strings.Join(names, ", ")
}
