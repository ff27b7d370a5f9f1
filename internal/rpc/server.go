package rpc

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"buf.build/go/protovalidate"
	"github.com/fullstorydev/grpchan/inprocgrpc"
	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/asctl/as/internal/control"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// maxBody bounds a request, in both transports.
const maxBody = 4 << 20

// streamWorkers serve the calls; goroutines that stay are cheaper than one for
// each call, whose stack has to grow first. A call that waits for the log holds
// its worker.
const streamWorkers = 128

// defaultLeaderWait covers an election by time-out; see Config.LeaderWait.
const defaultLeaderWait = 2 * time.Second

// Server is the API of one node.
type Server struct {
	node       Node
	operations control.Operations
	samples    Samples
	refreshing func(context.Context, Dependencies)
	live       func() []Check
	ready      func() []Check
	leaderWait time.Duration
	logger     hclog.Logger
	validator  protovalidate.Validator
	metrics    *callMetrics
	ids        *callIDs
	codec      codec
	peers      *peers
	arrivals   *arrivals
	load       load
	feed       *feed
	stopping   chan struct{}
	health     *health.Server
	grpc       *grpc.Server
	http       http.Handler
}

// New makes the API; it starts nothing. Run must run while it serves.
func New(cfg Config) (*Server, error) {
	validator, err := protovalidate.New(protovalidate.WithMessages(requests()...))
	if err != nil {
		return nil, fmt.Errorf("compile the rules of the .proto files: %w", err)
	}
	s := &Server{
		node:       cfg.Node,
		operations: cfg.Operations,
		samples:    cfg.Samples,
		refreshing: cfg.Refresh,
		live:       cfg.Live,
		ready:      cfg.Ready,
		leaderWait: cfg.LeaderWait,
		logger:     cfg.Logger,
		validator:  validator,
		metrics:    newMetrics(cfg.Registerer),
		ids:        newCallIDs(),
		codec:      newCodec(),
		feed:       newFeed(cfg.Node),
		arrivals:   newArrivals(),
		stopping:   make(chan struct{}),
		health:     health.NewServer(),
	}
	if s.leaderWait == 0 {
		s.leaderWait = defaultLeaderWait
	}
	if s.logger == nil {
		s.logger = hclog.NewNullLogger()
	}
	s.peers = newPeers(s.codec, cfg.DialOptions)
	s.grpc = grpc.NewServer(slices.Concat([]grpc.ServerOption{
		grpc.ForceServerCodecV2(s.codec),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.MaxRecvMsgSize(maxBody),
		grpc.ChainUnaryInterceptor(s.recoverUnary),
		grpc.ChainStreamInterceptor(s.recoverStream),
	}, s.boundedGRPC(), cfg.ServerOptions)...)
	channel := new(inprocgrpc.Channel).WithCloner(cloner{})
	s.register(s.grpc, channel)
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	s.http, err = s.newREST(channel, cfg.Gatherer, cfg.Hosts)
	return s, err
}

// register offers the services on both transports, behind the same routes.
func (s *Server) register(registrars ...grpc.ServiceRegistrar) {
	offer := func(desc grpc.ServiceDesc, service any) {
		routed := s.routed(desc)
		for _, r := range registrars {
			r.RegisterService(routed, service)
		}
	}
	offer(pb.ConfigurationService_ServiceDesc, configurationService{Server: s})
	offer(pb.GroupService_ServiceDesc, groupService{Server: s})
	offer(pb.RuleService_ServiceDesc, ruleService{Server: s})
	offer(pb.AlarmTaskService_ServiceDesc, alarmTaskService{Server: s})
	offer(pb.ScheduledTaskService_ServiceDesc, scheduledTaskService{Server: s})
	offer(pb.InstanceService_ServiceDesc, instanceService{Server: s})
	offer(pb.LifecycleHookService_ServiceDesc, lifecycleHookService{Server: s})
	offer(pb.NotificationService_ServiceDesc, notificationService{Server: s})
	offer(pb.ActivityService_ServiceDesc, activityService{Server: s})
	offer(pb.DecisionService_ServiceDesc, decisionService{Server: s})
	offer(pb.MetricService_ServiceDesc, metricService{Server: s})
	offer(pb.EventService_ServiceDesc, eventService{Server: s})
	offer(pb.ClusterService_ServiceDesc, clusterService{Server: s})
}

// GRPC is the gRPC server: all services, health and reflection. More may be
// registered before it serves.
func (s *Server) GRPC() *grpc.Server { return s.grpc }

// HTTP answers REST under /v1, /openapi.json, /livez, /readyz and /metrics.
func (s *Server) HTTP() http.Handler { return s.http }

// SetServing is what the gRPC health service says from now on.
func (s *Server) SetServing(serving bool) {
	status := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if serving {
		status = grpc_health_v1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", status)
}

// Run feeds the watches, and lets go of calls at leaders that lead no more, until
// ctx ends. Then it ends the watches, so that both servers can be stopped
// gracefully. It is called once.
func (s *Server) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	wait.Go(func() {
		s.keep(ctx, "follow the leader", func(ctx context.Context) { s.peers.followLeader(ctx, s.node) })
	})
	wait.Go(func() { s.keep(ctx, "arrivals", s.arrivals.run) })
	wait.Go(func() {
		s.keep(ctx, "call paths", func(ctx context.Context) { s.peers.watchPaths(ctx, s.node) })
	})
	s.keep(ctx, "feed", s.feed.run)
	wait.Wait()
	s.health.Shutdown()
	close(s.stopping)
	return nil
}

// Close closes the connections to other nodes, after the servers have stopped.
func (s *Server) Close() { s.peers.close() }

// refresh looks at what a request depends on; see Config.Refresh.
func (s *Server) refresh(ctx context.Context, d Dependencies) {
	if s.refreshing == nil || d.Template == nil && len(d.Balancers) == 0 && len(d.AccessLists) == 0 && len(d.Machines) == 0 {
		return
	}
	s.refreshing(ctx, d)
}
