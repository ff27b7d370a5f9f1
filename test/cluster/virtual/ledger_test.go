package virtual

import (
	"strings"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
)

// The books find what they are kept for. Each case does one thing wrong.
func TestTheLedgerFindsBrokenRules(t *testing.T) {
	const id = "i-00000000000000001"
	spec := providers.MachineSpec{Instance: id, Group: "namespaces/default/groups/web"}
	entry := []providers.Entry{{Instance: id, Address: "10.0.0.1"}}
	served := []providers.Target{{Instance: id}}
	record := func(state autoscaling.InstanceState, attached autoscaling.AttachmentState) *autoscaling.Instance {
		return &autoscaling.Instance{
			ID: id, State: state,
			AccessLists: []autoscaling.AccessListAttachment{{Provider: ListsName, List: "db", State: attached}},
			Balancers:   []autoscaling.BalancerAttachment{{Provider: BalancerName, Pool: "web", State: attached}},
		}
	}
	wanted := func(string) bool { return true }
	nobody := func(string) *autoscaling.Instance { return nil }
	guest := func(state autoscaling.InstanceState, step autoscaling.Step, entrusted bool) *autoscaling.Instance {
		return &autoscaling.Instance{ID: id, State: state, Step: step, Origin: autoscaling.OriginAttached, Entrusted: entrusted}
	}
	adoption := providers.AdoptSpec{Instance: id, Group: spec.Group, MachineID: "vm-1"}
	made := providers.Machine{Instance: id, CreateTime: now().Std()}
	running := providers.Machine{Instance: id, State: providers.MachineRunning}
	for name, c := range map[string]struct {
		do   func(l *Ledger, lists *Lists)
		want string // empty: nothing is wrong
	}{
		"everything in order": {func(l *Ledger, lists *Lists) {
			l.ensured("n1", 1, record(autoscaling.Pending, 0), spec, made, nil)
			_ = lists.SetEntries(t.Context(), providers.Fence{Epoch: 1}, "db", entry)
			l.listed("n1", 1, "db", nil, entry, wanted, nil)
			l.starting(record(autoscaling.Pending, autoscaling.AttachmentActive), id, lists)
			l.started("n1", 1, id, running, nil)
			l.pooled("n1", 1, "web", nil, providers.TargetSet{Targets: served}, nobody, nil)
			l.pooled("n1", 1, "web", served, providers.TargetSet{}, nobody, nil)
			l.stopping("n1", record(autoscaling.TerminatingProceed, autoscaling.AttachmentRemoved), id, nil)
			l.stopped("n1", 1, id, nil)
			_ = lists.SetEntries(t.Context(), providers.Fence{Epoch: 1}, "db", nil)
			l.listed("n1", 1, "db", entry, nil, wanted, nil)
			l.removing("n1", record(autoscaling.TerminatingProceed, autoscaling.AttachmentRemoved), id, lists)
			l.removed("n1", 1, id, nil)
		}, ""},
		"a machine without an intent": {func(l *Ledger, _ *Lists) {
			l.ensured("n1", 1, nil, spec, made, nil)
		}, "without an intent"},
		"a second machine": {func(l *Ledger, _ *Lists) {
			l.ensured("n1", 1, record(autoscaling.Pending, 0), spec, made, nil)
			l.ensured("n1", 1, record(autoscaling.Pending, 0), spec, providers.Machine{Instance: id, CreateTime: made.CreateTime.Add(1)}, nil)
		}, "made twice"},
		"started without access": {func(l *Ledger, lists *Lists) {
			l.ensured("n1", 1, record(autoscaling.Pending, 0), spec, made, nil)
			l.starting(record(autoscaling.Pending, autoscaling.AttachmentAdding), id, lists)
			l.started("n1", 1, id, running, nil)
		}, "before its address"},
		"traffic before the start": {func(l *Ledger, _ *Lists) {
			l.truth = func(string) providers.MachineState { return providers.MachineCreated }
			l.ensured("n1", 1, record(autoscaling.Pending, 0), spec, made, nil)
			l.pooled("n1", 1, "web", nil, providers.TargetSet{Targets: served}, nobody, nil)
		}, "which was not started"},
		"traffic to nobody": {func(l *Ledger, _ *Lists) {
			l.pooled("n1", 1, "web", nil, providers.TargetSet{Targets: served}, nobody, nil)
		}, "has no machine"},
		"stopped under traffic": {func(l *Ledger, lists *Lists) {
			l.ensured("n1", 1, record(autoscaling.Pending, 0), spec, made, nil)
			l.started("n1", 1, id, running, nil)
			l.stopping("n1", record(autoscaling.TerminatingProceed, autoscaling.AttachmentRemoved), id, []string{"web"})
		}, "while it gets traffic"},
		"revoked while it runs": {func(l *Ledger, _ *Lists) {
			l.ensured("n1", 1, record(autoscaling.Pending, 0), spec, made, nil)
			l.started("n1", 1, id, running, nil)
			l.listed("n1", 1, "db", entry, nil, wanted, nil)
		}, "while it ran"},
		"removed while it is let in": {func(l *Ledger, lists *Lists) {
			_ = lists.SetEntries(t.Context(), providers.Fence{Epoch: 1}, "db", entry)
			l.ensured("n1", 1, record(autoscaling.Pending, 0), spec, made, nil)
			l.removing("n1", record(autoscaling.TerminatingProceed, autoscaling.AttachmentRemoved), id, lists)
		}, "while its address is in"},
		"removed while it runs": {func(l *Ledger, lists *Lists) {
			l.ensured("n1", 1, record(autoscaling.Pending, 0), spec, made, nil)
			l.started("n1", 1, id, running, nil)
			l.removing("n1", record(autoscaling.TerminatingProceed, autoscaling.AttachmentRemoved), id, lists)
		}, "while it runs"},
		"traffic while hooks hold it": {func(l *Ledger, _ *Lists) {
			l.ensured("n1", 1, record(autoscaling.Pending, 0), spec, made, nil)
			l.started("n1", 1, id, running, nil)
			l.pooled("n1", 1, "web", nil, providers.TargetSet{Targets: served}, func(string) *autoscaling.Instance { return record(autoscaling.PendingWait, 0) }, nil)
		}, "which is PENDING_WAIT"},
		"attached and let go": {func(l *Ledger, _ *Lists) {
			l.outsider("vm-1")
			l.adopted("n1", 1, guest(autoscaling.Pending, autoscaling.StepCreate, false), adoption, nil)
			l.released("n1", 1, guest(autoscaling.TerminatingProceed, autoscaling.StepRelease, false), id, running, nil, nil, nil)
		}, ""},
		"an entrusted one stopped": {func(l *Ledger, _ *Lists) {
			l.outsider("vm-1")
			l.adopted("n1", 1, guest(autoscaling.Pending, autoscaling.StepCreate, true), adoption, nil)
			l.stopping("n1", guest(autoscaling.TerminatingProceed, autoscaling.StepStop, true), id, nil)
		}, ""},
		"one that is only released stopped": {func(l *Ledger, _ *Lists) {
			l.outsider("vm-1")
			l.adopted("n1", 1, guest(autoscaling.Pending, autoscaling.StepCreate, false), adoption, nil)
			l.stopping("n1", guest(autoscaling.TerminatingProceed, autoscaling.StepStop, false), id, nil)
		}, "not ours to end"},
		"one that is only released removed as an orphan": {func(l *Ledger, _ *Lists) {
			l.outsider("vm-1")
			l.adopted("n1", 1, guest(autoscaling.Pending, autoscaling.StepCreate, false), adoption, nil)
			l.removing("n1", nil, id, NewLists())
		}, "not ours to end"},
		"somebody else's adopted": {func(l *Ledger, _ *Lists) {
			l.adopted("n1", 1, guest(autoscaling.Pending, autoscaling.StepCreate, false), adoption, nil)
		}, "which is somebody's"},
		"let go while it is let in": {func(l *Ledger, _ *Lists) {
			l.outsider("vm-1")
			l.adopted("n1", 1, guest(autoscaling.Pending, autoscaling.StepCreate, false), adoption, nil)
			l.released("n1", 1, guest(autoscaling.Detaching, autoscaling.StepRelease, false), id, running, []string{"db"}, nil, nil)
		}, "while its address was in"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(false, func(string) providers.MachineState { return providers.MachineRunning })
			c.do(l, NewLists("db"))
			broken := strings.Join(l.Broken(), "\n")
			if (c.want == "") != (broken == "") || !strings.Contains(broken, c.want) {
				t.Errorf("found %q, want %q", broken, c.want)
			}
		})
	}
}
