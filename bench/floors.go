package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
)

// measureFsync is floor F1: what the disk takes for the smallest durable write.
func measureFsync(_ context.Context, _ options, dir string, r *report) error {
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 4096)
	var took []time.Duration
	for range 500 {
		start := time.Now()
		if _, err := f.WriteAt(block, 0); err != nil {
			return err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	r.add(row{Goal: "F1", What: "fdatasync of 4 KiB, p50", Unit: "ms", OurRuns: []float64{milliseconds(took[len(took)/2])}}, nil)
	return nil
}

const (
	emptyServerMode = "empty-server"
	emptyMethod     = "/bench.Empty/Call"
)

// serveEmpty is the process behind floor F2: a gRPC server whose only method
// does nothing. It prints its address and runs until it is killed.
func serveEmpty() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := grpc.NewServer(grpc.ForceServerCodec(rawCodec{}), grpc.NumStreamWorkers(8))
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "bench.Empty",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Call", Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var m raw
			return &m, decode(&m)
		}}},
	}, nil)
	os.Stdout.WriteString(listener.Addr().String() + "\n")
	if err := server.Serve(listener); err != nil {
		panic(err)
	}
}
