package scheduler

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/metrics"
	"github.com/asctl/as/internal/providers"
)

// Writer is the cluster's writer. Do returns when what fn wrote is applied.
type Writer interface {
	Do(ctx context.Context, fn func(tx *fsm.Tx) error) error
}

// State is this node's applied state.
type State interface {
	View() fsm.View
	Subscribe() *fsm.Subscription
}

// Checks asks providers whether pools and lists can be used, and remembers the
// answer for control.Platform. The scheduler calls it with every check of a
// group.
type Checks interface {
	CheckPool(ctx context.Context, provider, pool string) control.PoolStatus
	CheckList(ctx context.Context, provider, list string) control.ListStatus
}

// Config is what a Scheduler is made of. Fields without "nil:" are required;
// durations of 0 mean the default.
type Config struct {
	Operations control.Operations
	Writer     Writer
	State      State
	Now        func() autoscaling.Time // replicated time
	// Index is the index of the applied state, in the numbers that the built-in
	// balancer's nodes report. Nil: 0.
	Index func() uint64

	Compute     map[string]providers.Compute
	Balancers   map[string]providers.Balancer
	AccessLists map[string]providers.AccessList
	Notifier    providers.Notifier // nil: notifications wait
	Checks      Checks             // nil: pools and lists are not checked
	Samples     *metrics.Store     // nil: alarms have no data
	// Measured keeps what a compute provider measured. Nil: Samples keeps it.
	Measured func(group autoscaling.UID, batch []metrics.Sample) error

	Limits  Limits
	Logger  hclog.Logger          // nil: none
	Metrics prometheus.Registerer // nil: none
}

// Limits bound what the scheduler does at once, and how often.
type Limits struct {
	// Workers is how many calls of one compute provider's zone may be under way.
	Workers int // default 256
	// CallsPerSecond bounds the calls to one compute provider's zone; 0: no bound.
	CallsPerSecond float64
	// Probes is how many health probes may be under way.
	Probes int // default 64
	// Notices is how many notifications may be under way, and how many of them to
	// one target.
	Notices, NoticesPerTarget int // default 64 and 8

	ObserveInterval time.Duration // between listings of a provider; default 1 s
	// VisibilityLag is for how long a machine that exists may be missing from listings.
	VisibilityLag    time.Duration // default 2 s
	TakeoverGrace    time.Duration // what a new leader holds back; default 10 s
	OrphanGrace      time.Duration // from quarantine to removal; default 60 s
	OrphanShare      int           // percent of a listing that one pass may remove, at least one; default 10
	UsageInterval    time.Duration // between measurements of machines; default 2 s
	AlarmInterval    time.Duration // default 1 s
	PoolInterval     time.Duration // between looks at a pool where nobody waits; default 1 s
	WaitInterval     time.Duration // where somebody does; default 100 ms
	CheckInterval    time.Duration // of every group; default 60 s
	RewriteEvery     time.Duration // of lists and pools, changed or not; default 60 s
	CallTimeout      time.Duration // of calls that answer at once; default 30 s
	LaunchTimeout    time.Duration // of Ensure and Start; default 120 s
	ShutdownPatience time.Duration // for cancelled calls; default 5 s
}

func (l *Limits) fill() {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	setInt := func(n *int, to int) {
		if *n <= 0 {
			*n = to
		}
	}
	setInt(&l.Workers, 256)
	setInt(&l.Probes, 64)
	setInt(&l.Notices, 64)
	setInt(&l.NoticesPerTarget, 8)
	setInt(&l.OrphanShare, 10)
	set(&l.ObserveInterval, time.Second)
	set(&l.VisibilityLag, 2*time.Second)
	set(&l.TakeoverGrace, 10*time.Second)
	set(&l.OrphanGrace, 60*time.Second)
	set(&l.UsageInterval, 2*time.Second)
	set(&l.AlarmInterval, time.Second)
	set(&l.PoolInterval, time.Second)
	set(&l.WaitInterval, 100*time.Millisecond)
	set(&l.CheckInterval, 60*time.Second)
	set(&l.RewriteEvery, 60*time.Second)
	set(&l.CallTimeout, 30*time.Second)
	set(&l.LaunchTimeout, 120*time.Second)
	set(&l.ShutdownPatience, 5*time.Second)
}

// Scheduler is made once; it works while Run runs.
type Scheduler struct {
	Config
	log   hclog.Logger
	meter *meter
}

// New checks the configuration. It starts nothing.
func New(c Config) (*Scheduler, error) {
	switch {
	case c.Writer == nil || c.State == nil || c.Now == nil:
		return nil, errors.New("scheduler: writer, state and clock are required")
	case c.Operations.Platform == nil:
		return nil, errors.New("scheduler: no platform")
	}
	c.Limits.fill()
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	if c.Index == nil {
		c.Index = func() uint64 { return 0 }
	}
	if c.Samples == nil {
		c.Samples = metrics.NewStore(c.Now)
	}
	if c.Measured == nil {
		c.Measured = func(group autoscaling.UID, batch []metrics.Sample) error {
			_, err := c.Samples.PutProvider(group, batch)
			return err
		}
	}
	s := &Scheduler{Config: c, log: c.Logger.Named("scheduler")}
	var err error
	if s.meter, err = newMeter(c.Metrics); err != nil {
		return nil, err
	}
	return s, registerOutbox(c.Metrics, c.State)
}

// Run is one term of leadership: it takes over and works until ctx ends. The
// state must hold the cluster's record, and everything of earlier terms must be
// applied. It returns when everything that it started has ended; calls to
// providers that do not end within ShutdownPatience are left to their fences.
func (s *Scheduler) Run(ctx context.Context, epoch uint64) error {
	cluster := s.State.View().Cluster()
	if cluster == nil {
		return errors.New("scheduler: the cluster has no record of itself")
	}
	t := newTerm(s, providers.Fence{Cluster: string(cluster.ID), Incarnation: string(cluster.Incarnation), Epoch: epoch})
	return t.run(ctx)
}
