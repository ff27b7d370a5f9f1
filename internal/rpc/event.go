package rpc

import (
	"context"
	"net/netip"
	"strconv"

	"github.com/fullstorydev/grpchan/inprocgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type eventService struct {
	pb.UnimplementedEventServiceServer
	*Server
}

// WatchEvents streams from this node's applied state. The header is sent at once:
// it tells the caller that the watch stands.
func (s eventService) WatchEvents(req *pb.WatchEventsRequest, stream grpc.ServerStreamingServer[pb.Event]) error {
	index := s.watchFrom(req.GetAfterIndex())
	wanted := watched{namespace: orDefault(req.GetNamespace(), defaultNamespace), group: req.GetGroup()}
	if err := checkKept(s.node.View(), index); err != nil {
		return err
	}
	leave, err := s.feed.join(sourceOf(stream.Context()))
	if err != nil {
		return err
	}
	defer leave()
	s.metrics.watchers.Inc()
	defer s.metrics.watchers.Dec()
	applied, age := s.node.Applied()
	if err := stream.SendHeader(metadata.MD{headerAppliedIndex: {decimal(applied)}, headerAge: {decimal(uint64(age.Milliseconds()))}}); err != nil {
		return err
	}
	for { // ends with the caller, the node, or what is kept
		events, changed, err := s.feed.after(index)
		if err != nil {
			return err
		}
		for i := range events {
			if e := &events[i]; wanted.wants(e) {
				if err := stream.SendMsg(&raw{data: e.data, line: e.line, more: i+1 < len(events) && wanted.wants(&events[i+1])}); err != nil {
					return err
				}
			}
			index = events[i].index
		}
		if len(events) > 0 {
			continue
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return stream.Context().Err()
		case <-s.stopping:
			return noLeader("the node is stopping: go on watching at another")
		}
	}
}

// watchFrom is the index after which a watch begins.
func (s eventService) watchFrom(after int64) uint64 {
	if after < 0 {
		return s.node.View().LastEvent()
	}
	return uint64(after)
}

// defaultNamespace always exists.
const defaultNamespace = "default"

// watched is which events a watch shows: those of a namespace ("-": of all) or of
// one of its groups, and those of the cluster where no group is named.
type watched struct{ namespace, group string }

func (w watched) wants(e *encoded) bool {
	if w.group != "" && e.group != w.group {
		return false
	}
	return w.namespace == "-" || e.namespace == w.namespace || e.namespace == ""
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

type sourceKey struct{}

// sourceOf returns the address that a watch comes from; the zero address where it
// is not known.
func sourceOf(ctx context.Context) netip.Addr {
	if client := inprocgrpc.ClientContext(ctx); client != nil { // over REST
		source, _ := client.Value(sourceKey{}).(string)
		return addressOf(source)
	}
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		return addressOf(p.Addr.String())
	}
	return netip.Addr{}
}

func addressOf(hostPort string) netip.Addr {
	a, _ := netip.ParseAddrPort(hostPort)
	return a.Addr().Unmap()
}
