package main

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

var configurations = &kind{
	noun:       "configuration",
	manifest:   "Configuration",
	collection: "configurations",
	short:      "Configurations: what instances are made of, in versions",
	empty:      &pb.Configuration{},
	get: func(ctx context.Context, conn grpc.ClientConnInterface, name string, c pb.Consistency) (proto.Message, error) {
		return pb.NewConfigurationServiceClient(conn).GetConfiguration(ctx, &pb.GetConfigurationRequest{Name: name, Consistency: c})
	},
	list: func(ctx context.Context, conn grpc.ClientConnInterface, r listRequest) (proto.Message, error) {
		return pb.NewConfigurationServiceClient(conn).ListConfigurations(ctx, &pb.ListConfigurationsRequest{
			Parent: r.parent, PageSize: r.pageSize, PageToken: r.pageToken, Filter: r.filter, OrderBy: r.orderBy, Consistency: r.consistency,
		})
	},
	create: func(ctx context.Context, conn grpc.ClientConnInterface, parent, id string, m proto.Message) (proto.Message, error) {
		return pb.NewConfigurationServiceClient(conn).CreateConfiguration(ctx, &pb.CreateConfigurationRequest{
			Parent: parent, ConfigurationId: id, Configuration: m.(*pb.Configuration),
		})
	},
	update: func(ctx context.Context, conn grpc.ClientConnInterface, m proto.Message, mask *fieldmaskpb.FieldMask) (proto.Message, error) {
		return pb.NewConfigurationServiceClient(conn).UpdateConfiguration(ctx, &pb.UpdateConfigurationRequest{
			Configuration: m.(*pb.Configuration), UpdateMask: mask,
		})
	},
	remove: func(ctx context.Context, conn grpc.ClientConnInterface, name string, _ removal) (proto.Message, error) {
		return pb.NewConfigurationServiceClient(conn).DeleteConfiguration(ctx, &pb.DeleteConfigurationRequest{Name: name})
	},
	fields: []field{
		{flag: "provider", path: "provider", usage: "compute `provider` that makes the instances"},
		{flag: "command", path: "command", usage: "program to run; once: split into words as a shell does, repeated: one word each; or say it after --", verbatim: true, words: true},
		{flag: "arg", path: "args", usage: "argument appended to the command; may be repeated", verbatim: true},
		{flag: "image", path: "image", usage: "`image` in the provider's terms"},
		{flag: "instance-type", path: "instance_types", usage: "`TYPE[=WEIGHT]` in order of preference; may be repeated", message: parseInstanceType},
		{flag: "env", path: "env", usage: "environment variable; may be repeated"},
		{flag: "cpu-millis", path: "cpu_millis", usage: "thousandths of a core (default: no limit)"},
		{flag: "memory-mib", path: "memory_mib", usage: "memory in MiB (default: no limit)"},
		{flag: "bandwidth-mbps", path: "bandwidth_mbps", usage: "bandwidth in Mbit/s (default: no limit)"},
		{flag: "disk", path: "disks", usage: "`GIB[:TYPE]`; may be repeated", message: parseDisk},
		{flag: "port", path: "ports", usage: "`port` that instances listen on, the main one first; may be repeated"},
		{flag: "user-data", path: "user_data", usage: "`text` given to the machine at its first start; @FILE reads it", verbatim: true, fromFile: true},
		{flag: "stop-timeout", path: "stop_timeout", usage: "how long an instance may take to stop (default 30s)"},
		{flag: "provider-config", path: "provider_config", usage: "the provider's own settings as `JSON`", message: parseStruct},
		labelsField,
	},
	columns: append([]output.Column{
		output.Col("NAME", func(c *pb.Configuration) string { return shortName(c.Name) }),
		output.Col("VERSION", func(c *pb.Configuration) string { return count(c.Version) }),
		output.Col("PROVIDER", func(c *pb.Configuration) string { return c.Provider }),
		output.Col("RUNS", configurationRuns),
		output.ColAt("AGE", func(c *pb.Configuration, now time.Time) string { return output.Age(c.CreateTime, now) }),
	}, output.InWide(
		output.Col("DEFAULT", func(c *pb.Configuration) string { return count(c.DefaultVersion) }),
		output.Col("CPU", func(c *pb.Configuration) string { return limit(c.CpuMillis, "m") }),
		output.Col("MEMORY", func(c *pb.Configuration) string { return limit(c.MemoryMib, "MiB") }),
		output.Col("PORTS", func(c *pb.Configuration) string { return list(c.Ports, count[int32]) }),
		output.Col("DIGEST", func(c *pb.Configuration) string { return c.Digest[:min(12, len(c.Digest))] }),
	)...),
}

// configurationRuns is the image or the program, whichever says more.
func configurationRuns(c *pb.Configuration) string {
	if c.Image != "" {
		return c.Image
	}
	text := strings.Join(append(append([]string{}, c.Command...), c.Args...), " ")
	if len([]rune(text)) > 40 {
		text = string([]rune(text)[:39]) + "…"
	}
	return text
}

func limit(n int32, unit string) string {
	if n == 0 {
		return ""
	}
	return count(n) + unit
}
