package fsm

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/asctl/as/internal/autoscaling"
)

// appendRecord encodes a record, or the key of a delete.
func appendRecord(b []byte, record any) ([]byte, error) {
	buffer := bytes.NewBuffer(b)
	if err := encMode.MarshalToBuffer(record, buffer); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

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
	}
	return nil
}

// readRecord decodes the record at the beginning of b.
func readRecord(b []byte, k kind) (record any, rest []byte, err error) {
	record = newRecord(k)
	if record == nil {
		return nil, nil, &olderError{fmt.Sprintf("a record of an unknown kind, %d", uint8(k))}
	}
	rest, err = decode(b, record)
	return record, rest, err
}

func decode(b []byte, into any) (rest []byte, err error) {
	rest, err = decMode.UnmarshalFirst(b, into)
	var unknown *cbor.UnknownFieldError
	if errors.As(err, &unknown) {
		return nil, &olderError{fmt.Sprintf("a field that this node does not know in a %T", into)}
	}
	return rest, err
}

// olderError is what only a newer version can have written.
type olderError struct{ what string }

func (e *olderError) Error() string { return "it holds " + e.what + ": this node is older than the log" }
