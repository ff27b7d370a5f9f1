package server

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/asctl/as/internal/intake"
)

// unfinishedBytes bounds what both API listeners hold of requests that are not
// complete. Eight callers with the largest body each are well below it.
const unfinishedBytes = 32 << 20

// unfinishedDecay is how much less a connection counts as holding after a second.
// It covers the pings and window updates of a connection that lives for weeks,
// which belong to no request.
const unfinishedDecay = 32

// What keeps slow or silent clients from holding connections, and what bounds
// their headers; the API bounds bodies.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeaders    = 32 << 10
)

// httpServer is the server of the HTTP listener.
func (n *Node) httpServer() *http.Server {
	return &http.Server{
		Handler: n.api.HTTP(), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaders,
		ConnContext: intake.ConnContext,
		ErrorLog:    n.log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
}

// gates are the bounds of the API's listeners.
type gates struct {
	budget  *intake.Budget
	refused *prometheus.CounterVec
}

func newGates(metrics prometheus.Registerer) *gates {
	closed := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "autoscaling_server_connections_closed_total",
		Help: "Connections closed because they held the most bytes of unfinished requests when all together held too much.",
	})
	g := &gates{
		budget: intake.NewBudget(unfinishedBytes, closed.Inc),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "autoscaling_server_connections_refused_total",
			Help: "Connections closed because their source had as many as it may.",
		}, []string{"listener"}),
	}
	metrics.MustRegister(closed, g.refused)
	return g
}

// listen listens on an address of the API, within the node's limits.
func (g *gates) listen(c Config, key, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s-addr: %w", key, err)
	}
	total := max(min(c.MaxConnections, intake.Share(intake.Descriptors()).API), 1)
	limits := intake.Limits{Total: total, PerSource: min(cmp.Or(c.MaxConnectionsPerSource, max(total/2, 1)), total)}
	return intake.Listen(l, limits, g.budget, g.refused.WithLabelValues(key).Inc), nil
}

// run lets what connections are counted as holding decay, until ctx ends.
func (g *gates) run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for { // ends with ctx
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			g.budget.Decay(unfinishedDecay)
		}
	}
}
