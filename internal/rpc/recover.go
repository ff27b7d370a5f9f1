package rpc

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
)

// A panic ends the call that it came from, with INTERNAL and an id that the log
// has too, and never the process: another node that repeated the call would die as
// well.

// panicked logs a panic and makes the error that the caller sees.
func (s *Server) panicked(method, id string, p any) error {
	s.logger.Error("call panicked", "method", method, "id", id, "error", fmt.Sprint(p), "stack", string(debug.Stack()))
	return internal(id).Err()
}

// recovered makes an error of a panic, for a deferred call outside of serve.
func (s *Server) recovered(method string, err *error) {
	if p := recover(); p != nil {
		*err = s.panicked(method, s.ids.next(), p)
	}
}

// recoverUnary and recoverStream are for the services that have no routes of ours:
// health, reflection, and what else is registered.
func (s *Server) recoverUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (answer any, err error) {
	defer s.recovered(info.FullMethod, &err)
	return handle(ctx, req)
}

func (s *Server) recoverStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
	defer s.recovered(info.FullMethod, &err)
	return handle(srv, stream)
}

// restartPause is how long a part of the server rests after a panic.
const restartPause = time.Second

// keep runs a part of the server that serves all callers until ctx ends, again
// after a panic.
func (s *Server) keep(ctx context.Context, part string, run func(context.Context)) {
	for ctx.Err() == nil {
		var err error
		func() {
			defer s.recovered(part, &err)
			run(ctx)
		}()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(restartPause):
		}
	}
}

// recovering catches panics of HTTP handlers. A caller that has a part of the
// answer already loses the connection, so that it cannot take the part for all.
func (s *Server) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := &begunWriter{ResponseWriter: w}
		defer func() {
			p := recover()
			if p == nil || p == http.ErrAbortHandler {
				if p != nil {
					panic(p)
				}
				return
			}
			id := s.ids.next()
			_ = s.panicked(r.Method+" "+r.URL.Path, id, p)
			if begun.yes {
				panic(http.ErrAbortHandler)
			}
			s.writeError(w, http.StatusInternalServerError, internal(id))
		}()
		next.ServeHTTP(begun, r)
	})
}

// begunWriter knows whether the answer has begun.
type begunWriter struct {
	http.ResponseWriter
	yes bool
}

func (b *begunWriter) WriteHeader(code int) {
	b.yes = true
	b.ResponseWriter.WriteHeader(code)
}

func (b *begunWriter) Write(data []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(data)
}

// Unwrap is for http.ResponseController.
func (b *begunWriter) Unwrap() http.ResponseWriter { return b.ResponseWriter }
