package rpc

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/asctl/as/internal/autoscaling"
)

// position is what a page token says: the last row of the page before, and which
// request the token is for.
type position struct {
	Request uint64   `json:"r"`
	Key     string   `json:"k"`
	Values  []scalar `json:"v,omitempty"`

	given bool // there was a token
}

// before says whether the position is before a row.
func (p position) before(by order, values []scalar, key string) bool {
	if c := by.compare(p.Values, values); c != 0 {
		return c < 0
	}
	return p.Key < key
}

func pageToken(req listRequest, key string, values []scalar) string {
	text, err := json.Marshal(position{Request: requestHash(req), Key: key, Values: values})
	if err != nil {
		panic("rpc: encode a page token: " + err.Error()) // texts and finite numbers
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// parsePageToken reads the request's token; it must be of the same list, with
// the same filter and order.
func parsePageToken(req listRequest, values int) (position, error) {
	var p position
	if req.GetPageToken() == "" {
		return p, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(req.GetPageToken())
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	switch {
	case err != nil || len(p.Values) != values && p.Request == requestHash(req):
		return p, autoscaling.FieldErrorf("page_token", "it is not one that was given out")
	case p.Request != requestHash(req):
		return p, autoscaling.FieldErrorf("page_token", "it belongs to another request: parent, filter and order_by must stay as they were")
	}
	p.given = true
	return p, nil
}

// requestHash is the same for all pages of a list.
func requestHash(req listRequest) uint64 {
	canonical := proto.Clone(req).ProtoReflect()
	fields := canonical.Descriptor().Fields()
	for _, name := range []protoreflect.Name{"page_size", "page_token", "skip", "consistency"} {
		canonical.Clear(fields.ByName(name))
	}
	content, err := proto.MarshalOptions{Deterministic: true}.Marshal(canonical.Interface())
	if err != nil {
		panic("rpc: encode a decoded request: " + err.Error())
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(canonical.Descriptor().FullName())) // never fails
	_, _ = h.Write(content)
	return h.Sum64()
}
