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
	kindCount
)

var kindNames = [kindCount]string{
	"", "cluster", "node", "provider store", "configuration", "configuration version", "group", "rule",
	"alarm task", "scheduled task", "instance", "activity", "request", "orphan", "event",
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

// key identifies a record. In a delete it is encoded in the record's place, as
// an array [a, b, n]; of a child, a is the group.
type key struct {
	_ struct{} `cbor:",toarray"`
	A string
	B string
	N uint64
}

// recordKey identifies any record.
type recordKey struct {
	kind kind
	key
}

func groupChild(group autoscaling.UID, id string) key { return key{A: string(group), B: id} }
