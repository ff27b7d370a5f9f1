package main

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func describeInstance(d *describer, m proto.Message) {
	i := m.(*pb.Instance)
	d.fact("Name", i.Name)
	d.fact("ARI", i.Ari)
	d.fact("UID", i.Uid)
	d.fact("State", i.State.String())
	d.fact("Health", i.Health.String())
	d.fact("Reason", i.StatusReason)
	d.fact("Zone", i.Zone)
	d.fact("Addresses", strings.Join(i.Addresses, ", "))
	d.fact("Configuration", versionOf(i.Configuration))
	d.fact("Instance type", i.InstanceType)
	d.fact("Provider", i.Provider)
	d.fact("Machine", i.MachineId)
	d.when("Machine created", i.MachineCreateTime)
	d.fact("Origin", i.Origin.String())
	d.fact("Protected", yesNo(i.Protected))
	d.fact("Weight", count(i.Weight))
	d.fact("Warm in", output.Until(i.WarmUntil, d.now))
	d.fact("Activity", shortName(i.Activity))
	d.fact("Labels", labels(i.Labels))
	d.when("Created", i.CreateTime)
	var rows [][]string
	for _, b := range i.GetAttachments().GetBalancers() {
		rows = append(rows, []string{"balancer", fmt.Sprintf("%s/%s:%d", b.Provider, b.Pool, b.Port), b.State.String()})
	}
	for _, l := range i.GetAttachments().GetAccessLists() {
		rows = append(rows, []string{"access list", l.Provider + "/" + l.List, l.State.String()})
	}
	d.part("Attachments", rows)
	d.part("Timeline", timeline(i))
}
