package fsm

import (
	"iter"

	"github.com/asctl/as/internal/autoscaling"
)

// Counts says how many instances of a group are in each state.
type Counts struct {
	ByState   [autoscaling.StateCount]int32
	Unhealthy int32 // live and UNHEALTHY
	Counted   int32 // towards desired, in instances
	Live      int32 // not final
	Capacity  int32 // weights of the counted ones
	// Unproven are live ones that never reached IN_SERVICE: they use the runaway bound.
	Unproven int32
}

// Reader reads one state. A View is a Reader of an immutable state; a Tx is a
// Reader of the state as the transaction has made it so far.
//
// What a Reader hands out is shared: nobody changes it. To change a record,
// copy it, replace the slices and maps that differ, and put the copy.
// Look-ups answer nil when there is no such record. Iterations are ordered.
type Reader struct{ st *state }

type state struct{}

func (r Reader) Cluster() *autoscaling.Cluster { panic("fsm") } // nil before bootstrap
func (r Reader) Stamp() autoscaling.Time       { panic("fsm") } // replicated time of the last change

// LogPosition is the (term, sequence) of the last applied batch.
func (r Reader) LogPosition() (term, sequence uint64) { panic("fsm") }

// Configurations, by namespace and id. An empty namespace means all of them.
func (r Reader) Configuration(uid autoscaling.UID) *autoscaling.Configuration         { panic("fsm") }
func (r Reader) ConfigurationByID(namespace, id string) *autoscaling.Configuration    { panic("fsm") }
func (r Reader) Configurations(namespace string) iter.Seq[*autoscaling.Configuration] { panic("fsm") }
func (r Reader) ConfigurationVersion(uid autoscaling.UID, version int32) *autoscaling.ConfigurationVersion {
	panic("fsm")
}

// ConfigurationVersions are ordered by version, oldest first.
func (r Reader) ConfigurationVersions(uid autoscaling.UID) iter.Seq[*autoscaling.ConfigurationVersion] {
	panic("fsm")
}

// Groups, by namespace and id; DELETED ones are not among them.
func (r Reader) Group(uid autoscaling.UID) *autoscaling.Group         { panic("fsm") } // also a DELETED one
func (r Reader) GroupByID(namespace, id string) *autoscaling.Group    { panic("fsm") } // never a DELETED one
func (r Reader) Groups(namespace string) iter.Seq[*autoscaling.Group] { panic("fsm") }
func (r Reader) GroupCount() int                                      { panic("fsm") }

// DeletedGroups are those that had the name; id "" means all of the namespace, namespace "" all.
func (r Reader) DeletedGroups(namespace, id string) iter.Seq[*autoscaling.Group] { panic("fsm") }

// GroupsUsing are the groups whose spec names the configuration.
func (r Reader) GroupsUsing(configuration autoscaling.UID) iter.Seq[*autoscaling.Group] { panic("fsm") }

// Children of a group, by id.
func (r Reader) Rule(group autoscaling.UID, id string) *autoscaling.Rule           { panic("fsm") }
func (r Reader) Rules(group autoscaling.UID) iter.Seq[*autoscaling.Rule]           { panic("fsm") }
func (r Reader) AlarmTask(group autoscaling.UID, id string) *autoscaling.AlarmTask { panic("fsm") }
func (r Reader) AlarmTasks(group autoscaling.UID) iter.Seq[*autoscaling.AlarmTask] { panic("fsm") }
func (r Reader) ScheduledTask(group autoscaling.UID, id string) *autoscaling.ScheduledTask {
	panic("fsm")
}
func (r Reader) ScheduledTasks(group autoscaling.UID) iter.Seq[*autoscaling.ScheduledTask] {
	panic("fsm")
}

// Instances of a group that are not final, by id; FinalInstances the others,
// newest end first.
func (r Reader) Instance(group autoscaling.UID, id autoscaling.InstanceID) *autoscaling.Instance {
	panic("fsm")
}
func (r Reader) Instances(group autoscaling.UID) iter.Seq[*autoscaling.Instance]      { panic("fsm") }
func (r Reader) FinalInstances(group autoscaling.UID) iter.Seq[*autoscaling.Instance] { panic("fsm") }
func (r Reader) Counts(group autoscaling.UID) Counts                                  { panic("fsm") }

// FindInstance looks in every group: for sweeps and look-ups by uid.
func (r Reader) FindInstance(id autoscaling.InstanceID) *autoscaling.Instance { panic("fsm") }

// Activities of a group, newest first. RunningActivities are those IN_PROGRESS.
func (r Reader) Activity(id autoscaling.ActivityID) *autoscaling.Activity         { panic("fsm") }
func (r Reader) Activities(group autoscaling.UID) iter.Seq[*autoscaling.Activity] { panic("fsm") }
func (r Reader) RunningActivities(group autoscaling.UID) iter.Seq[*autoscaling.Activity] {
	panic("fsm")
}

// Events with an index above after, in order. FirstEvent is the oldest index
// still kept, LastEvent the newest given; 0 when there was none.
func (r Reader) Events(after uint64) iter.Seq[*autoscaling.Event] { panic("fsm") }
func (r Reader) FirstEvent() uint64                               { panic("fsm") }
func (r Reader) LastEvent() uint64                                { panic("fsm") }

func (r Reader) Request(namespace, id string) *autoscaling.Request { panic("fsm") }

// Requests, oldest first.
func (r Reader) Requests() iter.Seq[*autoscaling.Request]                 { panic("fsm") }
func (r Reader) Node(id string) *autoscaling.Node                         { panic("fsm") }
func (r Reader) Nodes() iter.Seq[*autoscaling.Node]                       { panic("fsm") }
func (r Reader) ProviderStore(provider string) *autoscaling.ProviderStore { panic("fsm") }
func (r Reader) Orphans() iter.Seq[*autoscaling.Orphan]                   { panic("fsm") }

// View is an immutable state: taking one is free, reading it needs no lock.
type View struct{ Reader }

// CheckInvariants answers every broken invariant of the state, in words; an
// empty answer is a sound state.
func (r Reader) CheckInvariants() []string { panic("fsm") }
