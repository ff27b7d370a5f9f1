package main

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/asctl/as/cmd/asctl/output"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func describeInstance(d *describer, m proto.Message) {
	i := m.(*pb.Instance)
	d.fact("Name", i.Name)
	d.fact("ARI", i.Ari)
	d.fact("UID", i.Uid)
	d.fact("State", i.State.String()+inState(i, d.now))
	d.fact("Step", i.Step)
	d.fact("Deadline", due(i.Deadline, d.now))
	d.fact("Next", i.NextStep)
	d.fact("Health", i.Health.String())
	if i.UnhealthyTime != nil {
		d.when("Unhealthy since", i.UnhealthyTime)
	}
	d.fact("Reason", i.StatusReason)
	d.fact("Zone", i.Zone)
	d.fact("Addresses", strings.Join(i.Addresses, ", "))
	d.fact("Configuration", versionOf(i.Configuration))
	d.fact("Instance type", i.InstanceType)
	d.fact("Provider", i.Provider)
	d.fact("Machine", i.MachineId)
	d.when("Machine created", i.MachineCreateTime)
	d.fact("Origin", originOf(i))
	d.fact("Protected", yesNo(i.Protected))
	d.fact("Weight", count(i.Weight))
	d.fact("Warm in", output.Until(i.WarmUntil, d.now))
	d.fact("Lifetime ends", due(i.LifetimeEndTime, d.now))
	d.fact("Replaces", shortName(i.Replaces))
	d.fact("Activity", shortName(i.Activity))
	d.fact("Labels", labels(i.Labels))
	d.when("Created", i.CreateTime)
	d.part("Hooks", holds(i, d.now))
	d.part("Attachments", attachments(i))
	d.part("Timeline", timeline(i))
}

// inState is since when it is in its state, by its timeline.
func inState(i *pb.Instance, now time.Time) string {
	for n := len(i.Timeline) - 1; n >= 0; n-- {
		if e := i.Timeline[n]; e.GetState() == i.State && e.Time != nil {
			return " (for " + output.Age(e.Time, now) + ")"
		}
	}
	return ""
}

// due is a time that is to come, or was.
func due(t *timestamppb.Timestamp, now time.Time) string {
	if t == nil {
		return ""
	}
	if left := output.Until(t, now); left != "" {
		return output.Millis(t) + " (in " + left + ")"
	}
	return output.Millis(t) + " (late by " + output.Age(t, now) + ")"
}

func originOf(i *pb.Instance) string {
	words := []string{i.Origin.String()}
	if i.Origin == pb.Instance_ATTACHED && !i.Entrusted {
		words = append(words, "not entrusted: its machine is never deleted")
	}
	if i.Entrusted {
		words = append(words, "entrusted")
	}
	if i.RunHooks {
		words = append(words, "hooks run")
	}
	return strings.Join(words, ", ")
}

// holds are the hooks that hold it, or held it last.
func holds(i *pb.Instance, now time.Time) [][]string {
	var rows [][]string
	for _, w := range i.Waits {
		if w.EndTime == nil && w.Result == pb.LifecycleHook_RESULT_UNSPECIFIED {
			rows = append(rows, []string{output.Last(w.Hook), "waits for " + output.Age(w.StartTime, now), "until " + due(w.Deadline, now), "then " + w.DefaultResult.String()})
			continue
		}
		by := ""
		if w.EndedBy != "" {
			by = "by " + w.EndedBy
		}
		rows = append(rows, []string{output.Last(w.Hook), w.Result.String(), output.Millis(w.EndTime), by})
	}
	return rows
}

func attachments(i *pb.Instance) [][]string {
	var rows [][]string
	for _, b := range i.GetAttachments().GetBalancers() {
		rows = append(rows, []string{"balancer", fmt.Sprintf("%s/%s:%d", b.Provider, b.Pool, b.Port), b.State.String()})
	}
	for _, l := range i.GetAttachments().GetAccessLists() {
		rows = append(rows, []string{"access list", l.Provider + "/" + l.List, l.State.String()})
	}
	return rows
}
