package rpc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// jsonMarshaler is proto JSON: lowerCamelCase, unknown fields refused, what is
// not set left out (what is `optional` in the .proto and set stays, also 0).
type jsonMarshaler struct{}

func (jsonMarshaler) ContentType(any) string { return "application/json" }

func (jsonMarshaler) Marshal(v any) ([]byte, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is not a message", v)
	}
	data, err := protojson.Marshal(m)
	if err != nil {
		m = proto.CloneOf(m)
		repairMessage(m.ProtoReflect())
		return protojson.Marshal(m)
	}
	return data, nil
}

func (jsonMarshaler) Unmarshal(data []byte, v any) error {
	m, err := messageIn(v)
	if err != nil {
		return err
	}
	if err := checkCount(data, m); err != nil {
		return err
	}
	if err := protojson.Unmarshal(data, m); err != nil {
		err = plain(err)
		if err.Error() == io.ErrUnexpectedEOF.Error() { // the library has it as a text only
			return fmt.Errorf("the JSON ends too early, after %d bytes", len(data))
		}
		return err
	}
	return nil
}

// How many values the JSON of a message may have: more than any valid one, which
// the limits of its fields bound, and few enough to decode in milliseconds.
const (
	maxValues       = 20_000
	maxSampleValues = 200_000 // of a batch of samples
)

// checkCount refuses a message of too many values, by counting what separates
// them: to decode a million takes seconds, and only then its fields' limits speak.
func checkCount(data []byte, m proto.Message) error {
	limit := maxValues
	switch m.(type) {
	case *pb.PutMetricsRequest, *pb.PutMetricsStreamRequest:
		limit = maxSampleValues
	}
	values, text := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case !text && (c == ',' || c == '[' || c == '{'):
			values++
		}
	}
	if values > limit {
		return fmt.Errorf("the JSON has more than %d values", limit)
	}
	return nil
}

func (j jsonMarshaler) NewEncoder(w io.Writer) runtime.Encoder {
	return runtime.EncoderFunc(func(v any) error {
		data, err := j.Marshal(v)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	})
}

// NewDecoder reads one message, which must be all there is; a client stream's
// body has one message after another.
func (j jsonMarshaler) NewDecoder(r io.Reader) runtime.Decoder {
	var stream *json.Decoder
	return runtime.DecoderFunc(func(v any) error {
		if _, ok := v.(*pb.PutMetricsStreamRequest); ok {
			if stream == nil {
				stream = json.NewDecoder(r)
			}
			var one json.RawMessage
			if err := stream.Decode(&one); err != nil {
				return err
			}
			return j.Unmarshal(one, v)
		}
		data, err := content(r)
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(data)) == 0 {
			return io.EOF // no body
		}
		return j.Unmarshal(data, v)
	})
}

func content(r io.Reader) ([]byte, error) {
	if b, ok := r.(*body); ok {
		return b.data, nil
	}
	return io.ReadAll(r)
}

// messageIn is the message that v is, or points at; one that is not there yet is
// made.
func messageIn(v any) (proto.Message, error) {
	if m, ok := v.(proto.Message); ok {
		return m, nil
	}
	p := reflect.ValueOf(v)
	if p.Kind() == reflect.Pointer && p.Elem().Kind() == reflect.Pointer {
		if p.Elem().IsNil() {
			p.Elem().Set(reflect.New(p.Elem().Type().Elem()))
		}
		if m, ok := p.Elem().Interface().(proto.Message); ok {
			return m, nil
		}
	}
	return nil, fmt.Errorf("%T is not a message", v)
}

// plain takes the library's prefix, which differs from build to build, off.
func plain(err error) error {
	text, _ := strings.CutPrefix(err.Error(), "proto:")
	return fmt.Errorf("%s", strings.TrimLeftFunc(text, unicode.IsSpace))
}
