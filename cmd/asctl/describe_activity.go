package main

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func describeActivity(d *describer, m proto.Message) {
	a := m.(*pb.Activity)
	t := a.GetTrigger()
	d.fact("Name", a.Name)
	d.fact("ARI", a.Ari)
	d.fact("UID", a.Uid)
	d.fact("Kind", a.Kind.String())
	d.fact("Status", a.Status.String())
	d.fact("Reason", a.Reason)
	d.fact("Message", a.Message)
	d.fact("Cause", a.Cause)
	d.fact("Trigger", strings.Join(slices.DeleteFunc([]string{t.GetKind().String(), t.GetSource(), t.GetPrincipal()}, func(s string) bool { return s == "" }), " "))
	d.fact("Rule", t.GetRule())
	d.fact("Request id", t.GetRequestId())
	d.fact("Capacity", capacityChange(a))
	d.fact("Instances", count(a.Count))
	d.fact("Configuration", versionOf(a.Configuration))
	if a.ProgressPercent != nil {
		d.fact("Progress", count(a.ProgressPercent)+"%")
	}
	d.when("Started", a.StartTime)
	d.when("Ended", a.EndTime)
	if a.GetRepeats() > 1 {
		d.fact("Repeats", count(a.Repeats))
		d.when("Last", a.LastTime)
	}
	for _, note := range a.Notes {
		d.fact("Note", note)
	}
	var rows [][]string
	for _, i := range a.Instances {
		rows = append(rows, []string{output.Last(i.Instance), i.Direction.String(), i.Status.String(), count(i.ProgressPercent) + "%", i.Cause, i.Error})
	}
	d.part("Moves", rows)
	var victims [][]string
	for _, v := range a.Victims {
		victims = append(victims, []string{output.Last(v.Instance), v.Why})
	}
	d.part("Chosen to leave", victims)
}
