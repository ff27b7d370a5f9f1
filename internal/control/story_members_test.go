package control_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// memberCommand moves instances by hand.
func (s *story) memberCommand(tx *fsm.Tx, a args) (string, error) {
	var ids []string
	for _, id := range a.list("instances") {
		ids = append(ids, long(id))
	}
	switch a.word(0) {
	case "enter-standby":
		return batchAnswer(s.Ops.EnterStandby(tx, control.EnterStandbyRequest{
			Caller: a.caller(), Group: a.group(), Instances: ids, Decrement: a.has("decrement"),
		}))
	case "exit-standby":
		return batchAnswer(s.Ops.ExitStandby(tx, control.ExitStandbyRequest{Caller: a.caller(), Group: a.group(), Instances: ids}))
	case "detach":
		return batchAnswer(s.Ops.DetachInstances(tx, control.DetachInstancesRequest{
			Caller: a.caller(), Group: a.group(), Instances: ids, Decrement: a.has("decrement"), RunHooks: a.has("run-hooks"),
		}))
	}
	return batchAnswer(s.Ops.AttachInstances(tx, control.AttachInstancesRequest{
		Caller: a.caller(), Group: a.group(), MachineIDs: a.list("machines"), Entrusted: a.has("entrusted"), RunHooks: a.has("run-hooks"),
	}))
}

// batchAnswer is activity with what each item was refused for.
func batchAnswer(a *autoscaling.Activity, err error) (string, error) {
	text, err := activity(a, err)
	items := func(all []autoscaling.Violation) (text string) {
		for _, v := range all {
			text += fmt.Sprintf("\n    %s %s: %s", v.Field, v.Reason, v.Message)
		}
		return text
	}
	if refused, ok := err.(*autoscaling.Error); ok {
		told := *refused
		told.Message += items(refused.Violations)
		return "", &told
	}
	if a != nil {
		text += items(a.Violations)
	}
	return text, err
}

// member tells the world, or of it, what concerns machines that come and go.
func (s *story) member(a args) {
	switch a.word(0) {
	case "machine": // exists at the provider
		m := control.MachineStatus{
			Zone: a.named["zone"], Addresses: a.list("address"), Running: !a.has("stopped"), CreateTime: s.Now,
			Instance: autoscaling.InstanceID(a.named["instance"]), Cluster: a.named["cluster"],
		}
		if a.has("ours") {
			m.Cluster = string(s.View().Cluster().ID)
		}
		s.Platform.Machines["sim/"+a.word(1)] = m
	case "list": // exists, and takes addresses
		s.Platform.Lists[a.word(1)] = control.ListStatus{Problem: a.named["problem"]}
	case "released":
		for r := range s.View().AllReleased() {
			fmt.Fprintf(&s.out, "= %s/%s was %s of %s\n", r.Provider, r.MachineID, short(r.Instance), r.GroupID)
		}
	case "entries": // where the group's instances are
		for i := range s.View().Instances(s.Group(a.word(1)).UID) {
			var at []string
			for _, l := range i.AccessLists {
				at = append(at, fmt.Sprintf("%s/%s:%d", l.Provider, l.List, l.State))
			}
			for _, b := range i.Balancers {
				at = append(at, fmt.Sprintf("%s/%s:%d", b.Provider, b.Pool, b.State))
			}
			slices.Sort(at)
			fmt.Fprintf(&s.out, "= %s %s %s %s\n", short(i.ID), i.State, healthNames[i.Health], strings.Join(at, " "))
		}
	}
}

var healthNames = map[autoscaling.Health]string{
	autoscaling.HealthInitializing: "INITIALIZING", autoscaling.HealthHealthy: "HEALTHY", autoscaling.HealthUnhealthy: "UNHEALTHY",
}
