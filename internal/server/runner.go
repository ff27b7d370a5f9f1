package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
)

// stopTimeout bounds the graceful end of the servers.
const stopTimeout = 5 * time.Second

// draining says whether the node has begun to stop.
type draining struct{ flag atomic.Bool }

func (d *draining) begin()      { d.flag.Store(true) }
func (d *draining) begun() bool { return d.flag.Load() }

// runner runs the parts of a node: each in a goroutine that it waits for.
type runner struct {
	parts []*part
	ended chan *part
}

type part struct {
	name    string
	stop    func()
	done    chan struct{}
	err     error
	stopped bool
}

func newRunner() *runner { return &runner{ended: make(chan *part, 64)} }

// start runs a part that blocks until its context ends.
func (r *runner) start(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	r.run(name, func() error { return run(ctx) }, cancel)
}

// serve runs a server, which another call stops.
func (r *runner) serve(name string, run func() error, shutDown func(context.Context)) {
	r.run(name, run, func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		shutDown(ctx)
	})
}

func (r *runner) run(name string, run func() error, stop func()) {
	p := &part{name: name, stop: stop, done: make(chan struct{})}
	r.parts = append(r.parts, p)
	go func() {
		defer close(p.done)
		if err := run(); err != nil {
			p.err = fmt.Errorf("%s: %w", name, err)
		}
		r.ended <- p
	}()
}

// wait returns when ctx ends, or with the error of a part that ended before it.
func (r *runner) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case p := <-r.ended:
		if p.err == nil {
			return fmt.Errorf("%s ended by itself", p.name)
		}
		return nil // stopAll answers it
	}
}

// stop ends the named parts and waits for them.
func (r *runner) stop(names ...string) {
	for _, p := range r.parts {
		if slices.Contains(names, p.name) && !p.stopped {
			p.stopped = true
			p.stop()
		}
	}
	for _, p := range r.parts {
		if slices.Contains(names, p.name) {
			<-p.done
		}
	}
}

// stopAll ends what still runs, the last started first, and answers the errors
// of all parts.
func (r *runner) stopAll() error {
	var errs []error
	for _, p := range slices.Backward(r.parts) {
		r.stop(p.name)
		errs = append(errs, p.err)
	}
	return errors.Join(errs...)
}

// stopGRPC lets calls finish, for a while.
func stopGRPC(s *grpc.Server) {
	timer := time.AfterFunc(stopTimeout, s.Stop)
	defer timer.Stop()
	s.GracefulStop()
}
