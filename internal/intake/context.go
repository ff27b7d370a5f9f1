package intake

import (
	"context"
	"net"
)

type connKey struct{}

// ConnContext is for http.Server: it makes the connection known to its requests.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	if conn, ok := c.(*Conn); ok {
		return context.WithValue(ctx, connKey{}, conn)
	}
	return ctx
}

// FromContext returns the connection of an HTTP request; nil, of which Hold,
// Release and Clear do nothing, if it is not a counted one.
func FromContext(ctx context.Context) *Conn {
	c, _ := ctx.Value(connKey{}).(*Conn)
	return c
}
