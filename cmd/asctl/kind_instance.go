package main

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

var instances = &kind{
	noun:       "instance",
	collection: "instances",
	inGroup:    true,
	short:      "Instances: the members of groups",
	empty:      &pb.Instance{},
	get: func(ctx context.Context, conn grpc.ClientConnInterface, name string, c pb.Consistency) (proto.Message, error) {
		return pb.NewInstanceServiceClient(conn).GetInstance(ctx, &pb.GetInstanceRequest{Name: name, Consistency: c})
	},
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewInstanceServiceClient(conn).ListInstances(ctx, &pb.ListInstancesRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy,
			Consistency: r.consistency, IncludeFinal: r.final,
		})
	},
	describe: describeInstance,
	columns: append([]output.Column{
		output.Col("NAME", func(i *pb.Instance) string { return shortName(i.Name) }),
		output.Col("STATE", func(i *pb.Instance) string { return i.State.String() }),
		output.Col("HEALTH", func(i *pb.Instance) string {
			if i.Health == pb.Instance_HEALTH_UNSPECIFIED {
				return ""
			}
			return i.Health.String()
		}),
		output.Col("ZONE", func(i *pb.Instance) string { return i.Zone }),
		output.Col("ADDRESS", func(i *pb.Instance) string { return strings.Join(i.Addresses, ",") }),
		output.Col("CONFIGURATION", func(i *pb.Instance) string { return versionOf(i.Configuration) }),
		output.Col("PROTECTED", func(i *pb.Instance) string { return yesNo(i.Protected) }),
		output.ColAt("AGE", func(i *pb.Instance, now time.Time) string { return output.Age(i.CreateTime, now) }),
	}, output.InWide(
		output.Col("PROVIDER", func(i *pb.Instance) string { return i.Provider }),
		output.Col("MACHINE", func(i *pb.Instance) string { return i.MachineId }),
		output.Col("TYPE", func(i *pb.Instance) string { return i.InstanceType }),
		output.Col("WEIGHT", func(i *pb.Instance) string { return count(i.Weight) }),
		output.Col("BALANCERS", func(i *pb.Instance) string {
			return list(i.GetAttachments().GetBalancers(), func(b *pb.BalancerAttachment) string {
				return b.Provider + "/" + b.Pool + "=" + b.State.String()
			})
		}),
		output.Col("ACCESS-LISTS", func(i *pb.Instance) string {
			return list(i.GetAttachments().GetAccessLists(), func(l *pb.AccessListAttachment) string {
				return l.Provider + "/" + l.List + "=" + l.State.String()
			})
		}),
		output.Col("ACTIVITY", func(i *pb.Instance) string { return shortName(i.Activity) }),
		output.Col("STEP", func(i *pb.Instance) string { return i.Step }),
		output.ColAt("DUE-IN", func(i *pb.Instance, now time.Time) string { return output.Until(i.Deadline, now) }),
		output.Col("REASON", func(i *pb.Instance) string { return i.StatusReason }),
	)...),
}

func versionOf(v *pb.ConfigurationVersion) string {
	if v.GetName() == "" {
		return ""
	}
	return output.Last(v.Name) + "@" + count(v.Version)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
