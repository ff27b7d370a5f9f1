package fsm

import "github.com/asctl/as/internal/autoscaling"

// sizeOf estimates a record's encoded size: near enough to bound a batch.
func sizeOf(record any) int {
	switch r := record.(type) {
	case *autoscaling.Instance:
		return 260 + len(r.StatusReason) + len(r.Failure) + len(r.UnhealthyReason) +
			20*len(r.Timeline) + 24*len(r.Addresses) + 48*len(r.Balancers) + 32*len(r.AccessLists) + sizeOfWaits(r.Waits)
	case *autoscaling.Event:
		return 120 + len(r.Message) + len(r.Subject) + sizeOfMap(r.Details)
	case *autoscaling.Activity:
		size := 320 + len(r.Cause) + len(r.Message) + len(r.Trigger.Source) + len(r.Trigger.Rule)
		for i := range r.Outcomes {
			size += 64 + len(r.Outcomes[i].Error) + len(r.Outcomes[i].Cause)
		}
		for i := range r.Victims {
			size += 28 + len(r.Victims[i].Why)
		}
		for _, note := range r.Notes {
			size += len(note)
		}
		return size
	case *autoscaling.Group:
		size := 640 + sizeOfMap(r.Labels) + sizeOfMap(r.ExternalNames) + len(r.LastLaunchError) + len(r.CooldownCause) +
			32*len(r.Zones) + 64*len(r.Balancers) + 48*len(r.AccessLists) + 56*len(r.FirstUse)
		for i := range r.Conditions {
			size += 48 + len(r.Conditions[i].Message)
		}
		for i := range r.Backoffs {
			size += 64 + len(r.Backoffs[i].Error)
		}
		return size
	case *autoscaling.Request:
		return 32 + len(r.Namespace) + len(r.ID) + len(r.Hash) + len(r.Answer) + len(r.Name)
	case *autoscaling.ConfigurationVersion:
		t := &r.Template
		size := 256 + len(t.UserData) + len(t.ProviderConfig) + sizeOfMap(t.Env) + sizeOfMap(t.Labels)
		for _, words := range [][]string{t.Command, t.Args} {
			for _, w := range words {
				size += 3 + len(w)
			}
		}
		return size
	case *autoscaling.AlarmTask:
		return 320 + sizeOfMap(r.Labels) + sizeOfMap(r.Metric.Dimensions) + len(r.StateReason)
	case *autoscaling.Delivery:
		return 200 + len(r.Message) + len(r.Subject) + len(r.LastError) + sizeOfMap(r.Details)
	case *autoscaling.LifecycleHook:
		return 160 + len(r.Metadata) + sizeOfMap(r.Labels)
	case *autoscaling.NotificationTarget:
		return 480 + sizeOfMap(r.Labels)
	case *autoscaling.Configuration:
		return 160 + sizeOfMap(r.Labels)
	}
	return 256
}

func sizeOfWaits(waits []autoscaling.HookWait) int {
	size := 0
	for i := range waits {
		size += 120 + len(waits[i].Hook) + len(waits[i].EndedBy) + len(waits[i].Metadata)
	}
	return size
}

func sizeOfMap(m map[string]string) int {
	size := 0
	for k, v := range m {
		size += 6 + len(k) + len(v)
	}
	return size
}
