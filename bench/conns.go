package main

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
)

// dial opens count connections to an address: with one alone, the client's
// single transport would be what is measured.
func dial(address string, count int) ([]*grpc.ClientConn, error) {
	var conns []*grpc.ClientConn
	for range count {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		conns = append(conns, conn)
	}
	return conns, nil
}

func closeAll(conns []*grpc.ClientConn) {
	for _, c := range conns {
		c.Close()
	}
}

// raw is a message that is bytes already; rawCodec passes it on. Both sides of a
// comparison then spend the same on encoding: nothing.
type raw []byte

type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(v any) ([]byte, error) {
	if m, ok := v.(*raw); ok {
		return *m, nil
	}
	return nil, fmt.Errorf("bench: cannot send %T", v)
}

func (rawCodec) Unmarshal(data []byte, v any) error {
	m, ok := v.(*raw)
	if !ok {
		return errors.New("bench: cannot receive")
	}
	*m = append((*m)[:0], data...)
	return nil
}

var _ encoding.Codec = rawCodec{}

// callRaw makes a unary call with encoded messages.
func callRaw(ctx context.Context, conn *grpc.ClientConn, method string, request []byte) ([]byte, error) {
	in, out := raw(request), raw(nil)
	err := conn.Invoke(ctx, method, &in, &out, grpc.ForceCodec(rawCodec{}))
	return out, err
}
