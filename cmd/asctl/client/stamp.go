package client

import (
	"strconv"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// stamp gives a change its request id, which stays the same in all attempts, and
// makes it a dry run where asked for. It says whether the call may be made twice:
// reads, and changes that the servers remember by their id.
func (c *Cluster) stamp(method string, args any) (repeatable bool) {
	message, ok := args.(proto.Message)
	if !ok {
		return false
	}
	m := message.ProtoReflect()
	fields := m.Descriptor().Fields()
	id := fields.ByName("request_id")
	if id == nil {
		return true
	}
	if m.Get(id).String() == "" {
		m.Set(id, protoreflect.ValueOfString(c.requestID()))
	}
	if dry := fields.ByName("validate_only"); dry != nil && c.options.DryRun {
		m.Set(dry, protoreflect.ValueOfBool(true))
	}
	return !once[method]
}

func (c *Cluster) requestID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	switch {
	case c.options.RequestID == "":
		return uuid.NewString()
	case c.changes == 1:
		return c.options.RequestID
	}
	return c.options.RequestID + "." + strconv.Itoa(c.changes)
}
