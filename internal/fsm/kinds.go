package fsm

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
)

// kind numbers the kinds of records in log and snapshot. Numbers are for ever.
type kind uint8

const (
	kindCluster kind = iota + 1
	kindNode
	kindStore
	kindConfiguration
	kindVersion
	kindGroup
	kindRule
	kindAlarm
	kindTask
	kindInstance
	kindActivity
	kindRequest
	kindOrphan
	kindEvent
	kindHook
	kindNotification
	kindTarget
	kindDelivery
	kindReleased
	kindCount
)

var kindNames = [kindCount]string{
	"", "cluster", "node", "provider store", "configuration", "configuration version", "group", "rule",
	"alarm task", "scheduled task", "instance", "activity", "request", "orphan", "event",
	"lifecycle hook", "notification", "notification target", "delivery", "released machine",
}

func (k kind) String() string {
	if k > 0 && k < kindCount {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// op is what a change does to a record.
type op uint8

const (
	opPut op = iota + 1
	opDelete
)

// key identifies a record of its kind. In a delete it is encoded in the record's
// place, as an array [a, b, n]; of a child, a is the group.
type key struct {
	a, b string
	n    uint64
}

// recordKey identifies any record.
type recordKey struct {
	kind kind
	key
}

func (id *key) append(b []byte, t *stringTable) []byte {
	b = t.append(append(b, majorArray|3), id.a)
	return appendHead(t.append(b, id.b), majorUint, id.n)
}

func groupChild(group autoscaling.UID, id string) key { return key{a: string(group), b: id} }

// newRecord answers a pointer to a zero record of the kind, nil when the kind is
// unknown.
func newRecord(k kind) any {
	switch k {
	case kindCluster:
		return new(autoscaling.Cluster)
	case kindNode:
		return new(autoscaling.Node)
	case kindStore:
		return new(autoscaling.ProviderStore)
	case kindConfiguration:
		return new(autoscaling.Configuration)
	case kindVersion:
		return new(autoscaling.ConfigurationVersion)
	case kindGroup:
		return new(autoscaling.Group)
	case kindRule:
		return new(autoscaling.Rule)
	case kindAlarm:
		return new(autoscaling.AlarmTask)
	case kindTask:
		return new(autoscaling.ScheduledTask)
	case kindInstance:
		return new(autoscaling.Instance)
	case kindActivity:
		return new(autoscaling.Activity)
	case kindRequest:
		return new(autoscaling.Request)
	case kindOrphan:
		return new(autoscaling.Orphan)
	case kindEvent:
		return new(autoscaling.Event)
	case kindHook:
		return new(autoscaling.LifecycleHook)
	case kindNotification:
		return new(autoscaling.Notification)
	case kindTarget:
		return new(autoscaling.NotificationTarget)
	case kindDelivery:
		return new(autoscaling.Delivery)
	case kindReleased:
		return new(autoscaling.Released)
	}
	return nil
}
