package rpc

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"sync/atomic"

	"google.golang.org/grpc/metadata"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/autoscaling/text"
	"github.com/asctl/as/internal/control"
)

// The metadata that callers may send, and that answers carry.
const (
	headerRequestID    = "x-request-id"     // a name for the call in our logs
	headerPrincipal    = "as-principal"     // who calls, as they say; recorded with what they start
	headerForwarded    = "as-forwarded"     // set by a node that forwards: the loop guard
	headerAppliedIndex = "as-applied-index" // of a read: the position in the log
	headerAge          = "as-age-ms"        // of a read: how long ago that was known to be current
)

// maxHeader bounds what is taken from a caller's header.
const maxHeader = 128

// call is what is known of a call besides its message.
type call struct {
	route     *route
	id        string
	principal string
	forwarded bool  // by another node
	refused   error // what is wrong with the headers
}

type callKey struct{}

// newCall reads the caller's headers.
func (s *Server) newCall(ctx context.Context, r *route) *call {
	c := &call{route: r}
	md, _ := metadata.FromIncomingContext(ctx)
	var badID, badPrincipal error
	c.id, badID = header(md, headerRequestID)
	if c.id == "" {
		c.id = s.ids.next()
	}
	c.principal, badPrincipal = header(md, headerPrincipal)
	c.refused = cmp.Or(badID, badPrincipal)
	c.forwarded = len(md[headerForwarded]) > 0
	return c
}

func (c *call) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// caller is who asks, for the record.
func caller(ctx context.Context, requestID string) control.Caller {
	return control.Caller{Principal: callOf(ctx).principal, RequestID: requestID}
}

// header returns the value of a caller's header. It refuses what could not be
// handed on to the leader, or would be recorded cut.
func header(md metadata.MD, key string) (string, error) {
	values := md[key]
	switch {
	case len(values) == 0:
		return "", nil
	case len(values[0]) > maxHeader:
		return "", autoscaling.FieldErrorf(key, "has %d bytes, at most %d are allowed", len(values[0]), maxHeader)
	case !text.Plain(values[0]):
		return "", notPlain(key)
	}
	return values[0], nil
}

func notPlain(header string) *autoscaling.Error {
	return autoscaling.FieldErrorf(header, "must consist of printable ASCII characters")
}

// callIDs numbers the calls of a process under a random prefix: cheap, and
// unique enough to find a line in a log.
type callIDs struct {
	prefix string
	last   atomic.Uint64
}

func newCallIDs() *callIDs {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return &callIDs{prefix: hex.EncodeToString(b[:]) + "-"}
}

func (c *callIDs) next() string { return c.prefix + strconv.FormatUint(c.last.Add(1), 10) }
