package autoscaling

// Row is what the lifecycle says of one state.
type Row struct {
	State InstanceState
	Phase Phase
	// Meaning is what it is to be in the state.
	Meaning string
	// Steps are the sub-steps done in it, in order; those with nothing to do are
	// passed over. ALLOW stands twice: before the start where the provider knows
	// the address by then, else after it.
	Steps []Step
	// Owner is who moves it on, Next what that is, Deadline when that must have
	// happened and what happens then. All are empty in final states; a state at rest
	// has no deadline.
	Owner    string
	Next     string
	Deadline string
	// Exits are all the ways out, in the order in which a reader wants to know them.
	Exits []Exit
	// What three public services call the state; empty: they have none.
	AWS, Huawei, Alibaba string
}

// Exit is one way out of a state.
type Exit struct {
	To InstanceState
	// Auto is taken by itself, when the sub-steps are done, fail, or are late; the
	// others are asked for by somebody or something.
	Auto bool
	When string
	// Later is not reachable yet.
	Later bool
}

// Phase is a part of an instance's life.
type Phase string

const (
	Joining  Phase = "joining"
	Serving  Phase = "serving"
	Resting  Phase = "standing by"
	Parting  Phase = "leaving alive"
	Dying    Phase = "leaving for good"
	WarmPool Phase = "warm pool (later)"
)

// Who moves an instance on.
const (
	byScheduler = "the scheduler"
	byProvider  = "the scheduler, by the compute provider, access lists and load balancers"
	byBalancers = "the scheduler, by the load balancers"
	byHooks     = "the programs behind the hooks"
	byAnyone    = "people, rules and health checks"
	byPeople    = "people"
)

// Lifecycle is the one table that rules every change of an instance's state, in
// order of life: what may follow what, what is done in each state and in which
// order, and who does it until when. CanBecome, the steps, the invariants, the
// picture and the page in docs follow from it.
var Lifecycle = [...]Row{
	{
		State: Initial, Phase: Joining,
		Meaning:  "no member yet: the intent is recorded; the machine does not exist, or exists and is about to be attached",
		Owner:    byScheduler,
		Next:     "the launch begins, as soon as no back-off, suspended process or runaway bound holds it",
		Deadline: "launch_timeout after it was recorded; then the launch has failed",
		Exits: []Exit{
			{To: Pending, Auto: true, When: "the launch begins"},
			{To: Terminated, When: "cancelled: removed, desired lowered, or the group deleted"},
			{To: Terminated, Auto: true, When: "not begun within launch_timeout"},
		},
		Huawei: "Initial",
	},
	{
		State: Pending, Phase: Joining,
		Meaning:  "being added",
		Steps:    []Step{StepCreate, StepAllow, StepStart, StepAllow},
		Owner:    byProvider,
		Next:     "the machine is made (or an attached one accepted), let into the access lists and started",
		Deadline: "launch_timeout after it was entered; then the launch has failed",
		Exits: []Exit{
			{To: PendingWait, Auto: true, When: "the machine runs, and launch hooks hold it"},
			{To: PendingProceed, Auto: true, When: "the machine runs, and no launch hook holds it"},
			{To: TerminatingProceed, Auto: true, When: "the launch fails, the machine ends, or the deadline passes"},
			{To: Terminating, When: "removed, desired lowered, or the group deleted"},
		},
		AWS: "Pending", Huawei: "Adding to AS group (add the instance)", Alibaba: "Pending",
	},
	{
		State: PendingWait, Phase: Joining,
		Meaning:  "held by launch hooks: all open together, each with its own token and deadline",
		Steps:    []Step{StepHooks},
		Owner:    byHooks,
		Next:     "each hook is completed with CONTINUE or ABANDON",
		Deadline: "the earliest of the hooks' own, which a heartbeat moves; then that hook's default_result holds",
		Exits: []Exit{
			{To: PendingProceed, When: "the last hook says CONTINUE"},
			{To: PendingProceed, Auto: true, When: "the last hook's deadline passes, and its default_result is CONTINUE"},
			{To: TerminatingProceed, When: "the first hook says ABANDON"},
			{To: TerminatingProceed, Auto: true, When: "a hook's deadline passes, and its default_result is ABANDON"},
			{To: TerminatingProceed, Auto: true, When: "the machine ends"},
			{To: TerminatingProceed, When: "removed, desired lowered, or the group deleted"},
		},
		AWS: "Pending:Wait", Huawei: "Wait (Adding to AS group)", Alibaba: "Pending:Wait",
	},
	{
		State: PendingProceed, Phase: Joining,
		Meaning:  "being put to work",
		Steps:    []Step{StepRegister, StepCheck},
		Owner:    byBalancers,
		Next:     "it is registered with the load balancers, and health says yes",
		Deadline: "launch_timeout, from PENDING on, or from here after a wait, standby or ROLLBACK; then the launch has failed",
		Exits: []Exit{
			{To: InService, Auto: true, When: "registered and healthy"},
			{To: Terminating, Auto: true, When: "the machine ends, or the deadline passes"},
			{To: Terminating, When: "removed, desired lowered, or the group deleted"},
		},
		AWS: "Pending:Proceed", Huawei: "Adding to AS group (associate with the listener)", Alibaba: "Pending",
	},
	{
		State: InService, Phase: Serving,
		Meaning: "serves traffic, is health-checked",
		Owner:   byAnyone,
		Next:    "none: it stays until it is asked to go, or is found unhealthy",
		Exits: []Exit{
			{To: Terminating, When: "removed, scaled in, replaced, or the group deleted"},
			{To: EnteringStandby, When: "put on standby"},
			{To: Detaching, When: "detached"},
		},
		AWS: "InService", Huawei: "Enabled", Alibaba: "InService / Protected",
	},
	{
		State: EnteringStandby, Phase: Resting,
		Meaning:  "leaving traffic for a while",
		Steps:    []Step{StepDrain},
		Owner:    byBalancers,
		Next:     "it is drained and deregistered",
		Deadline: "the longest drain_timeout, and 30 s for the balancer's answer; then it goes on",
		Exits: []Exit{
			{To: Standby, Auto: true, When: "out of the load balancers, or the deadline passes"},
			{To: Terminating, Auto: true, When: "the machine ends"},
			{To: Terminating, When: "removed, or the group deleted"},
		},
		AWS: "EnteringStandby", Huawei: "ENTERING_STANDBY", Alibaba: "Standby",
	},
	{
		State: Standby, Phase: Resting,
		Meaning: "managed, takes no traffic, not health-replaced, not chosen for scale-in",
		Owner:   byPeople,
		Next:    "none: it stays until it is put back, detached or removed",
		Exits: []Exit{
			{To: PendingProceed, When: "put back into service"},
			{To: Terminating, When: "removed, or the group deleted"},
			{To: Detaching, When: "detached"},
		},
		AWS: "Standby", Huawei: "STANDBY", Alibaba: "Standby",
	},
	{
		State: Detaching, Phase: Parting,
		Meaning:  "leaving the group alive",
		Steps:    []Step{StepDrain, StepHooks, StepRevoke, StepRelease},
		Owner:    byProvider,
		Next:     "it is drained, held by terminate hooks if asked for, taken off the access lists, and our mark off the machine",
		Deadline: "each sub-step's own: drain_timeout, the hooks', else 120 s; then it goes on, or is tried again and called overdue",
		Exits: []Exit{
			{To: Detached, Auto: true, When: "released"},
		},
		AWS: "Detaching", Huawei: "Removing (delete = no)", Alibaba: "Removing",
	},
	{
		State: Detached, Phase: Parting,
		Meaning: "final: the machine lives on, no longer ours; may be attached elsewhere as a new instance",
		AWS:     "Detached",
	},
	{
		State: Terminating, Phase: Dying,
		Meaning:  "leaving for good: out of traffic first",
		Steps:    []Step{StepDrain},
		Owner:    byBalancers,
		Next:     "it gets no new traffic, is drained and deregistered",
		Deadline: "the longest drain_timeout, and 30 s for the balancer's answer; then it goes on",
		Exits: []Exit{
			{To: TerminatingWait, Auto: true, When: "out of the load balancers, or the deadline passes, and terminate hooks hold it"},
			{To: TerminatingProceed, Auto: true, When: "out of the load balancers, or the deadline passes, and no terminate hook holds it"},
		},
		AWS: "Terminating", Huawei: "Removing from AS group (disassociate from the listener)", Alibaba: "Removing",
	},
	{
		State: TerminatingWait, Phase: Dying,
		Meaning:  "held by terminate hooks: all open together, each with its own token and deadline",
		Steps:    []Step{StepHooks},
		Owner:    byHooks,
		Next:     "each hook is completed with CONTINUE, ABANDON or ROLLBACK",
		Deadline: "the earliest of the hooks' own, which a heartbeat moves; then that hook's default_result holds",
		Exits: []Exit{
			{To: TerminatingProceed, When: "the last hook says CONTINUE"},
			{To: TerminatingProceed, When: "the first hook says ABANDON"},
			{To: TerminatingProceed, Auto: true, When: "the last hook's deadline passes, or a hook's whose default_result is ABANDON"},
			{To: TerminatingProceed, Auto: true, When: "the machine ends"},
			{To: TerminatingProceed, When: "the group is deleted with skip_hooks"},
			{To: PendingProceed, When: "the first hook says ROLLBACK"},
		},
		AWS: "Terminating:Wait", Huawei: "Wait (Removing from AS group)", Alibaba: "Removing:Wait",
	},
	{
		State: TerminatingProceed, Phase: Dying,
		Meaning:  "being destroyed; an attached one that is not entrusted is only released",
		Steps:    []Step{StepStop, StepRevoke, StepDelete, StepRelease},
		Owner:    byProvider,
		Next:     "the machine is stopped, taken off the access lists and deleted; or only taken off them and released",
		Deadline: "each sub-step's own: stop_timeout and 60 s, else 120 s; then it is tried again and called overdue",
		Exits: []Exit{
			{To: Terminated, Auto: true, When: "the machine is gone"},
			{To: Detached, Auto: true, When: "attached and not entrusted: released"},
		},
		AWS: "Terminating:Proceed", Huawei: "Removing from AS group (remove the instance)", Alibaba: "Removing",
	},
	{
		State: Terminated, Phase: Dying,
		Meaning: "final",
		AWS:     "Terminated", Huawei: "Removed",
	},
	{
		State: Warmed, Phase: WarmPool,
		Meaning: "at rest in the warm pool",
		Owner:   byAnyone,
		Next:    "none: it stays until it is wanted",
		Exits: []Exit{
			{To: Pending, When: "taken out of the pool", Later: true},
			{To: Terminating, When: "removed, the pool shrinks, or the group is deleted", Later: true},
		},
		AWS: "Warmed:*", Huawei: "warm pool", Alibaba: "Stopped",
	},
}

// allowed are the states that may follow each, as bits: it is asked for with
// every instance that is written.
var allowed = func() (bits [StateCount]uint16) {
	for _, r := range Lifecycle {
		for _, e := range r.Exits {
			bits[r.State] |= 1 << e.To
		}
	}
	return bits
}()
