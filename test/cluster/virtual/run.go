package virtual

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/metrics"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/scheduler"
)

// run is one run of a node's process: its scheduler, and its ways out.
type run struct {
	w    *World
	node string
	log  hclog.Logger
	gate gate

	once      sync.Once
	state     *cluster.Node // valid once built
	scheduler *scheduler.Scheduler
	samples   *metrics.Store
	shipper   *metrics.Shipper
	err       error
}

func newRun(w *World, node string, log hclog.Logger) *run {
	r := &run{w: w, node: node, log: log}
	r.gate.init()
	return r
}

// lead is the node's work as the leader, composed as package server does it.
func (r *run) lead(ctx context.Context, leadership cluster.Leadership) error {
	if r.built(); r.err != nil {
		return r.err
	}
	ctx, stop := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer stop()
	ship := r.shipper.Lead(leadership.Term)
	wait.Go(func() { ship(ctx) })
	return r.scheduler.Run(ctx, leadership.Term)
}

// built composes the scheduler at first need: the node is made after its
// configuration.
func (r *run) built() {
	r.once.Do(func() {
		<-r.w.ready
		r.state = r.w.Member(r.node).Node
		r.samples = metrics.NewStore(r.state.Now)
		r.shipper = metrics.NewShipper(metrics.ShipperConfig{
			Node: r.node, Boot: fmt.Sprintf("%p", r), Store: r.samples, Carrier: carrier{r}, Now: r.state.Now, Pace: r.w.opts.Pace,
			Keep: func(uid autoscaling.UID) bool { return r.state.View().Group(uid) != nil },
		})
		r.scheduler, r.err = scheduler.New(scheduler.Config{
			Operations: r.w.Ops, Writer: writer{r}, State: state{r.state}, Now: r.state.Now,
			Index:       func() uint64 { _, sequence := r.state.View().LogPosition(); return sequence },
			Compute:     map[string]providers.Compute{CloudName: compute{r}},
			Balancers:   map[string]providers.Balancer{BalancerName: balancer{r}},
			AccessLists: map[string]providers.AccessList{ListsName: accessList{r}},
			Notifier:    notifier{r},
			Checks:      platform{r.w}, Samples: r.samples, Limits: r.w.opts.Limits, Logger: r.log,
			Measured: r.shipper.PutProvider,
		})
	})
}

// state is the node's applied state.
type state struct{ *cluster.Node }

func (s state) Subscribe() *fsm.Subscription { return s.Machine().Subscribe() }

// parcel takes samples that another node ships; a node that is not built takes none.
func (r *run) parcel(from string, parcel []byte) []byte {
	select {
	case <-r.w.ready:
	default:
		return nil
	}
	if r.built(); r.err != nil {
		return nil
	}
	return r.shipper.Receive(from, parcel)
}

// carrier takes parcels of samples to the other nodes; a process that is no more,
// or is frozen, sends none.
type carrier struct{ r *run }

func (c carrier) Others() []string { return c.r.state.Others() }
func (c carrier) Term() uint64     { return c.r.state.Term() }

func (c carrier) SendParcel(ctx context.Context, id string, parcel []byte, timeout time.Duration) ([]byte, error) {
	if err := c.r.gate.pass(ctx); err != nil {
		return nil, err
	}
	return c.r.state.SendParcel(ctx, id, parcel, timeout)
}

// writer is the node's writer; nothing is written by a process that is no more.
type writer struct{ r *run }

func (w writer) Do(ctx context.Context, fn func(tx *fsm.Tx) error) error {
	w.r.trip()
	if err := w.r.gate.pass(ctx); err != nil {
		return err
	}
	err := w.r.state.Do(ctx, fn)
	w.r.trip()
	if err := w.r.gate.pass(ctx); err != nil {
		return err
	}
	return err
}

// view is what the node knows when it calls somebody outside.
func (r *run) view() fsm.View { return r.state.View() }

// wantsList says whether the list is wanted for as long as the instance's machine
// runs: its group has it, and it does not leave alive.
func wantsList(v fsm.View, id, list string) bool {
	i := v.FindInstance(autoscaling.InstanceID(id))
	if i == nil || i.State.Final() || i.State == autoscaling.Detaching || i.State == autoscaling.TerminatingProceed && i.OnlyReleased() {
		return false
	}
	g := v.Group(i.Group)
	return g != nil && slices.ContainsFunc(g.AccessLists, func(l autoscaling.AccessListRef) bool { return l.List == list })
}

// instance is the record behind a call, nil when the node knows of none.
func (r *run) instance(id string) *autoscaling.Instance {
	return r.view().FindInstance(autoscaling.InstanceID(id))
}
