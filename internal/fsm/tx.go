package fsm

import "github.com/asctl/as/internal/autoscaling"

// IDs makes new ids; the real one is random, tests give a counted one.
type IDs interface {
	UID() autoscaling.UID
	InstanceID() autoscaling.InstanceID
}

// Tx is one function's view of the newest state, and the record of what it
// changes. All its changes are committed together or not at all. It is valid
// only while the function runs.
type Tx struct {
	Reader
}

// Now is the replicated time of the batch: the same for all its functions, and
// never before the stamp of an earlier batch.
func (tx *Tx) Now() autoscaling.Time { panic("fsm") }

func (tx *Tx) NewUID() autoscaling.UID               { panic("fsm") }
func (tx *Tx) NewInstanceID() autoscaling.InstanceID { panic("fsm") }
func (tx *Tx) NewActivityID() autoscaling.ActivityID { panic("fsm") } // the next number of the cluster

func (tx *Tx) PutCluster(*autoscaling.Cluster)                           { panic("fsm") }
func (tx *Tx) PutConfiguration(*autoscaling.Configuration)               { panic("fsm") }
func (tx *Tx) PutConfigurationVersion(*autoscaling.ConfigurationVersion) { panic("fsm") }
func (tx *Tx) DeleteConfiguration(autoscaling.UID)                       { panic("fsm") } // with its versions
func (tx *Tx) PutGroup(*autoscaling.Group)                               { panic("fsm") }
func (tx *Tx) DeleteGroup(autoscaling.UID)                               { panic("fsm") } // with everything below it
func (tx *Tx) PutRule(*autoscaling.Rule)                                 { panic("fsm") }
func (tx *Tx) DeleteRule(group autoscaling.UID, id string)               { panic("fsm") }
func (tx *Tx) PutAlarmTask(*autoscaling.AlarmTask)                       { panic("fsm") }
func (tx *Tx) DeleteAlarmTask(group autoscaling.UID, id string)          { panic("fsm") }
func (tx *Tx) PutScheduledTask(*autoscaling.ScheduledTask)               { panic("fsm") }
func (tx *Tx) DeleteScheduledTask(group autoscaling.UID, id string)      { panic("fsm") }

// PutInstance panics when the table of the lifecycle does not allow the change
// of state: a broken rule must not reach the log.
func (tx *Tx) PutInstance(*autoscaling.Instance)                               { panic("fsm") }
func (tx *Tx) DeleteInstance(group autoscaling.UID, id autoscaling.InstanceID) { panic("fsm") }
func (tx *Tx) PutActivity(*autoscaling.Activity)                               { panic("fsm") }
func (tx *Tx) DeleteActivity(autoscaling.ActivityID)                           { panic("fsm") }
func (tx *Tx) PutRequest(*autoscaling.Request)                                 { panic("fsm") }
func (tx *Tx) DeleteRequest(namespace, id string)                              { panic("fsm") }
func (tx *Tx) PutNode(*autoscaling.Node)                                       { panic("fsm") }
func (tx *Tx) DeleteNode(id string)                                            { panic("fsm") }
func (tx *Tx) PutProviderStore(*autoscaling.ProviderStore)                     { panic("fsm") }
func (tx *Tx) PutOrphan(*autoscaling.Orphan)                                   { panic("fsm") }
func (tx *Tx) DeleteOrphan(provider string, instance autoscaling.InstanceID)   { panic("fsm") }

// Emit appends an event; Index and Time are filled in. Only the newest
// MaxEvents are kept.
func (tx *Tx) Emit(autoscaling.Event) { panic("fsm") }

// MaxEvents bounds the event log.
const MaxEvents = 100_000
