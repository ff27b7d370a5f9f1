package rpc

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/metrics"
)

// Config is what the API stands on.
type Config struct {
	Node       Node
	Operations control.Operations
	// Samples takes and answers samples, on the leader. Nil: the Metrics service
	// refuses.
	Samples Samples
	// Refresh looks at what a request depends on, so that Operations.Platform
	// knows it when the request is decided. It is called on the leader, before the
	// writer, and must end with ctx. Nil: what is known is good enough.
	Refresh func(ctx context.Context, d Dependencies)

	// Live and Ready say how the process is; each part is a line of /livez and
	// /readyz?verbose. Nil: well.
	Live  func() []Check
	Ready func() []Check

	Logger     hclog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: none
	Gatherer   prometheus.Gatherer   // what /metrics shows; nil: nothing

	// Hosts are the names by which HTTP callers reach this server, besides
	// localhost and IP addresses; a request with another Host is refused.
	Hosts []string

	// ServerOptions are for the gRPC server, e.g. its credentials.
	ServerOptions []grpc.ServerOption
	// DialOptions are for connections to the leader; transport credentials are
	// required.
	DialOptions []grpc.DialOption
	// LeaderWait is how long a call waits for a leader, within the caller's own
	// deadline. 0: 2 s.
	LeaderWait time.Duration
}

// Dependencies are what a configuration or group depends on.
type Dependencies struct {
	Template    *autoscaling.Template // nil: none
	Balancers   []autoscaling.BalancerRef
	AccessLists []autoscaling.AccessListRef
	// Machines are those that are to be attached; their provider is the one of the
	// group's configuration, see control.ProviderOf.
	Machines []MachineRef
}

// MachineRef names a machine as the platform does.
type MachineRef struct {
	Provider  string
	MachineID string
}

// Check is one thing that was looked at.
type Check struct {
	Name    string
	Problem string // empty: it is well
}

// Samples keeps measurements and returns points of them; *metrics.Shipper does.
type Samples interface {
	// Put takes a batch of one group's samples; it returns how many it took. An
	// *autoscaling.Error (OUT_OF_RANGE, LIMIT_EXCEEDED) refuses the rest.
	Put(ctx context.Context, group autoscaling.UID, batch []metrics.Sample) (int, error)
	// Query answers a metric's points in [From, To), oldest first; periods
	// without samples have none.
	Query(group autoscaling.UID, q metrics.Query) ([]metrics.Point, error)
}

// The words of package metrics.
type (
	Sample      = metrics.Sample
	SampleQuery = metrics.Query
	Point       = metrics.Point
)
