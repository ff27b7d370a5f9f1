package rpc

import (
	"errors"
	"fmt"
	"reflect"

	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/asctl/as/internal/autoscaling"
)

// raw is an encoded message that nobody here needs to look into: a call on its
// way to the leader, its answer on the way back, an event for a thousand
// watchers. Its bytes are never changed.
type raw struct {
	data []byte
	// Of an event: it as REST streams it, and whether another follows at once.
	line func() []byte
	more bool
}

// watchedLine is an event that REST takes in.
type watchedLine struct {
	line []byte
	more bool
}

// decoding takes a message in. What is wrong with its encoding is kept instead of
// returned: grpc would make it an internal error and end the call with that.
type decoding struct {
	to    any
	admit func(size int) error // before anything is made of the bytes; nil: all is well
	size  int                  // encoded
	read  bool                 // there was a message
	err   error
}

// receive takes a message in by take, and refuses one that cannot be decoded.
func (d *decoding) receive(take func(any) error) error {
	if err := take(d); err != nil {
		return err
	}
	return unreadable(d.err)
}

// decode decodes size bytes by unmarshal, if they are admitted.
func (d *decoding) decode(size int, unmarshal func(any) error) {
	if d.read { // a second message of a call that has one: grpc refuses the call
		return
	}
	d.read, d.size = true, size
	if d.admit != nil {
		if d.err = d.admit(size); d.err != nil {
			return
		}
	}
	d.err = unmarshal(d.to)
}

// unreadable is the refusal of a message that cannot be decoded; nil stays nil.
func unreadable(err error) error {
	var refused *autoscaling.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &refused):
		refused = autoscaling.Errorf(autoscaling.InvalidArgument, "the request cannot be decoded: %s", plain(err))
	}
	return refusal(refused).Err()
}

// codec is the proto codec that lets raw messages pass as they are.
type codec struct{ proto encoding.CodecV2 }

func newCodec() codec { return codec{proto: encoding.GetCodecV2(protocodec.Name)} }

func (c codec) Name() string { return protocodec.Name }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if r, ok := v.(*raw); ok {
		return mem.BufferSlice{mem.SliceBuffer(r.data)}, nil
	}
	data, err := c.proto.Marshal(v)
	if m, ok := v.(proto.Message); ok && err != nil {
		again, err := marshal(m)
		return mem.BufferSlice{mem.SliceBuffer(again)}, err
	}
	return data, err
}

func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if d, ok := v.(*decoding); ok {
		d.decode(data.Len(), func(to any) error { return c.Unmarshal(data, to) })
		return nil
	}
	if r, ok := v.(*raw); ok {
		r.data = data.Materialize() // data goes back to its pool
		return nil
	}
	return c.proto.Unmarshal(data, v)
}

// cloner hands messages over an in-process channel. A message that is handed
// over is not used again by who made it (the gateway decodes one per call, the
// handlers answer with fresh ones), so its content is moved, not copied.
type cloner struct{}

func (cloner) Clone(v any) (any, error) { return v, nil }

func (c cloner) Copy(out, in any) error {
	switch out := out.(type) {
	case *decoding:
		out.err = c.Copy(out.to, in)
		return nil
	case *watchedLine:
		if in, ok := in.(*raw); ok && in.line != nil {
			out.line, out.more = in.line(), in.more
			return nil
		}
	case *raw:
		switch in := in.(type) {
		case *raw:
			out.data = in.data
			return nil
		case proto.Message:
			data, err := proto.Marshal(in)
			if err != nil {
				if refused := checkTexts(in); refused != nil {
					return refused
				}
			}
			out.data = data
			return err
		}
	case proto.Message:
		switch in := in.(type) {
		case *raw:
			return proto.Unmarshal(in.data, out)
		case proto.Message:
			return move(out, in)
		}
	}
	return fmt.Errorf("cannot hand a %T over as a %T", in, out)
}

// move makes out what in is: a shallow copy, by reflection because the generated
// types forbid it to plain code, where both would go on being used.
func move(out, in proto.Message) error {
	to, from := reflect.ValueOf(out), reflect.ValueOf(in)
	if to.Type() != from.Type() {
		return fmt.Errorf("cannot hand a %T over as a %T", in, out)
	}
	to.Elem().Set(from.Elem())
	return nil
}
