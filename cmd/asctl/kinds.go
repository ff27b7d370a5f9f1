package main

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// kind is what differs between the kinds of resources; the verbs that all have
// are written once. A nil function is a verb that the kind does not have.
type kind struct {
	noun string
	// manifest is its kind in manifests; empty: it is in none.
	manifest   string
	collection string
	inGroup    bool
	// in is the kind of what lists name first, where that is neither a group nor a
	// namespace.
	in      *kind
	short   string
	empty   proto.Message
	columns []output.Column
	fields  []field
	// listLimit is how many a list shows unless told; 0: all.
	listLimit int

	get      func(context.Context, grpc.ClientConnInterface, string, pb.Consistency) (proto.Message, error)
	list     func(context.Context, grpc.ClientConnInterface, listRequest) (proto.Message, error)
	create   func(ctx context.Context, conn grpc.ClientConnInterface, parent, id string, m proto.Message) (proto.Message, error)
	update   func(ctx context.Context, conn grpc.ClientConnInterface, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error)
	remove   func(ctx context.Context, conn grpc.ClientConnInterface, name string, how removal) (proto.Message, error)
	describe func(*describer, proto.Message)
}

// kinds are the nouns that name resources, in the order that help shows.
var kinds = []*kind{configurations, groups, rules, scheduledTasks, alarmTasks, hooks, instances, activities, notifications, notificationTargets}

// removal is how a group is deleted; nothing else is asked.
type removal struct{ force, skipHooks bool }

// listRequest is what all lists have in common.
type listRequest struct {
	parent, filter, orderBy, pageToken string
	pageSize                           int32
	consistency                        pb.Consistency
	// final also lists final instances.
	final bool
}

// kindOfManifest finds a kind by its name in manifests.
func kindOfManifest(name string) *kind {
	for _, k := range kinds {
		if k.manifest == name {
			return k
		}
	}
	return nil
}

// parent is the kind that lists of this one name first; nil: none.
func (k *kind) parent() *kind {
	if k.inGroup {
		return groups
	}
	return k.in
}

// placeholder is how help writes the kind's id.
func (k *kind) placeholder() string { return strings.ToUpper(strings.ReplaceAll(k.noun, "-", "_")) }

// article is the noun as one of them is called.
func (k *kind) article() string {
	if strings.ContainsRune("aeiou", rune(k.noun[0])) {
		return "an " + k.noun
	}
	return "a " + k.noun
}

// form is how help writes the kind's name.
func (k *kind) form(prefix string) string {
	switch {
	case k.inGroup && prefix != "":
		return prefix + "groups/GROUP/" + k.collection + "/" + k.placeholder()
	case k.inGroup:
		return "GROUP/" + k.placeholder()
	case prefix != "":
		return prefix + k.collection + "/" + k.placeholder()
	}
	return k.placeholder()
}
