package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster"
	"github.com/asctl/as/internal/cluster/peer"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/metrics"
	"github.com/asctl/as/internal/providers/balancer/builtin"
	"github.com/asctl/as/internal/rpc"
	"github.com/asctl/as/internal/scheduler"
)

// Node is one node of a cluster with all its parts.
type Node struct {
	config   Config
	log      hclog.Logger
	registry *prometheus.Registry

	outside   *outside
	platform  *platform
	shipper   *metrics.Shipper
	cluster   *cluster.Node
	reports   []*reportSource
	ship      chan struct{} // rung when this node's balancers have something to report
	traffic   *traffic
	scheduler *scheduler.Scheduler
	api       *rpc.Server
	gates     *gates
	draining  draining
}

// New builds a node; it opens directories, and starts nothing.
func New(config Config, log hclog.Logger) (*Node, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	n := &Node{config: config, log: log, registry: prometheus.NewRegistry(), ship: make(chan struct{}, 1)}
	n.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	n.gates = newGates(n.registry)
	var err error
	if n.outside, err = buildProviders(config.Providers, n.webhookReach(), n.reportSource, n.registry, log); err != nil {
		return nil, err
	}
	if err := n.build(); err != nil {
		return nil, errors.Join(err, n.outside.close())
	}
	return n, nil
}

// reportSource makes the leader's view of one balancer's reports. The cluster's
// node is built later, and asked only while it runs.
func (n *Node) reportSource(balancer string) builtin.ReportSource {
	s := &reportSource{balancer: balancer, node: func() *cluster.Node { return n.cluster }, next: make(chan struct{})}
	n.reports = append(n.reports, s)
	return s
}

func (n *Node) build() error {
	c := n.config
	secrets, err := c.ClusterSecret.read()
	if err != nil {
		return fmt.Errorf("cluster-secret: %w", err)
	}
	if secrets.None() && c.Dev {
		secrets = peer.RandomSecrets()
	}
	if secrets.None() {
		n.log.Warn("there is no cluster-secret: every process of this host that connects to the raft address passes for a node", "address", c.RaftAddr)
	}
	n.cluster, err = cluster.New(cluster.Config{
		NodeID: c.NodeID, DataDir: c.DataDir, RaftAddr: c.RaftAddr, AdvertiseRaft: c.AdvertiseRaftAddr,
		InitialCluster: c.InitialCluster, ClusterName: c.ClusterName, Secrets: secrets,
		Record: autoscaling.Node{
			GRPCAddress: or(c.AdvertiseGRPCAddr, c.GRPCAddr), HTTPAddress: or(c.AdvertiseHTTPAddr, c.HTTPAddr),
			Version: Version(), ProvidersDigest: c.Providers.Digest(),
		},
		DiskTimeout: c.DiskTimeout, Lead: n.lead,
		Reports: func() []peer.Report { return poolReports(n.outside.edges) }, ReportsChanged: n.ship, Parcel: n.takeSamples,
		Logger: n.log, Metrics: n.registry,
	})
	if err != nil {
		return err
	}
	n.traffic = newTraffic(n.cluster.Machine(), n.outside.edges)

	store := metrics.NewStore(n.cluster.Now)
	n.shipper = metrics.NewShipper(metrics.ShipperConfig{
		Node: c.NodeID, Boot: uuid.NewString(), Store: store, Carrier: n.cluster, Now: n.cluster.Now, Keep: n.hasGroup,
	})
	n.platform = newPlatform(n.outside, store)
	operations := control.Operations{Platform: n.platform}
	node := rpcNode{Node: n.cluster, id: c.NodeID}
	n.scheduler, err = scheduler.New(scheduler.Config{
		Operations: operations, Writer: n.cluster, State: node, Now: n.cluster.Now, Index: n.index,
		Compute: n.outside.compute, Balancers: n.outside.balancers, AccessLists: n.outside.accessLists, Notifier: n.outside.webhooks,
		Checks: n.platform, Samples: store, Measured: n.shipper.PutProvider, Logger: n.log, Metrics: n.registry,
	})
	if err != nil {
		return err
	}
	n.api, err = rpc.New(rpc.Config{
		Node: node, Operations: operations, Samples: n.shipper, Refresh: n.platform.Look, Ready: n.ready, Hosts: c.httpHosts(),
		Logger: n.log.Named("rpc"), Registerer: n.registry, Gatherer: n.registry,
		DialOptions: []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())},
	})
	return err
}

func or(value, otherwise string) string {
	if value != "" {
		return value
	}
	return otherwise
}

// index is the position of the applied state, in the numbers that traffic reports.
func (n *Node) index() uint64 {
	_, sequence := n.cluster.View().LogPosition()
	return sequence
}

// takeSamples takes what another node that leads ships. The cluster's node is
// built first, and takes parcels only while it runs.
func (n *Node) takeSamples(from string, parcel []byte) []byte { return n.shipper.Receive(from, parcel) }

func (n *Node) hasGroup(uid autoscaling.UID) bool {
	g := n.cluster.View().Group(uid)
	return g != nil && g.State != autoscaling.GroupDeleted
}

// lead is one term of leadership: the scheduler's work, and the active checks
// of the built-in balancers.
func (n *Node) lead(ctx context.Context, leadership cluster.Leadership) error {
	ctx, stop := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer stop()
	ship := n.shipper.Lead(leadership.Term)
	wait.Go(func() { ship(ctx) })
	for _, e := range n.outside.edges {
		wait.Go(func() { _ = e.checker.Run(ctx) }) // it ends with ctx, without an error
	}
	return n.scheduler.Run(ctx, leadership.Term)
}

// Run is the node's life: it listens, serves and blocks until ctx ends or a
// part of it fails, then stops everything in order. It is called once.
func (n *Node) Run(ctx context.Context) (err error) {
	tuneGC()
	defer func() { err = errors.Join(err, n.cleanUp()) }()
	grpcListener, err := n.gates.listen(n.config, "grpc", n.config.GRPCAddr)
	if err != nil {
		return err
	}
	defer grpcListener.Close()
	httpListener, err := n.gates.listen(n.config, "http", n.config.HTTPAddr)
	if err != nil {
		return err
	}
	defer httpListener.Close()
	httpServer := n.httpServer()

	r := newRunner()
	r.start("cluster", n.cluster.Run)
	r.start("watches", n.api.Run)
	r.start("gates", n.gates.run)
	r.start("traffic", n.traffic.Run)
	r.start("reports", func(ctx context.Context) error { shipReports(ctx, n.outside.edges, n.ship); return nil })
	for _, s := range n.reports {
		r.start("reports of "+s.balancer, func(ctx context.Context) error { s.follow(ctx); return nil })
	}
	for name, e := range n.outside.edges {
		r.start("balancer "+name, e.server.Run)
	}
	r.serve("grpc", func() error { return n.api.GRPC().Serve(grpcListener) }, func(context.Context) { stopGRPC(n.api.GRPC()) })
	r.serve("http", func() error {
		if err := httpServer.Serve(httpListener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}, func(ctx context.Context) { _ = httpServer.Shutdown(ctx) })
	n.api.SetServing(true)
	n.log.Info("started", "node", n.config.NodeID, "grpc", grpcListener.Addr().String(), "http", httpListener.Addr().String(), "version", Version())

	failure := r.wait(ctx)
	n.draining.begin()
	n.api.SetServing(false)
	if failure == nil {
		n.log.Info("stopping", "node", n.config.NodeID)
	}
	// In order: whoever leads next must lead before we go; then calls and watches
	// end; then traffic, which needs the applied state; Raft last.
	n.handOver()
	r.stop("watches")
	r.stop("http", "grpc")
	for name := range n.outside.edges {
		r.stop("balancer " + name)
	}
	return errors.Join(failure, r.stopAll())
}

// handOverTimeout bounds the hand-over of leadership by a node that stops.
const handOverTimeout = 3 * time.Second

func (n *Node) handOver() {
	leader, known := n.cluster.Leader()
	if !known || leader.ID != n.config.NodeID || len(n.config.InitialCluster) < 2 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), handOverTimeout)
	defer cancel()
	if err := n.cluster.TransferLeadership(ctx, ""); err != nil {
		n.log.Warn("stopping without a successor", "error", err)
	}
}

func (n *Node) cleanUp() error {
	n.api.Close()
	return errors.Join(n.removeTemporary(), n.outside.close())
}
