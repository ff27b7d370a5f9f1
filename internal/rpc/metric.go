package rpc

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

type metricService struct {
	pb.UnimplementedMetricServiceServer
	*Server
}

// What a query covers when it does not say.
const (
	defaultQuerySpan   = time.Hour
	defaultQueryPeriod = time.Minute
	maxQueryPoints     = 10_000
)

func (s metricService) PutMetrics(ctx context.Context, req *pb.PutMetricsRequest) (*pb.PutMetricsResponse, error) {
	accepted, err := s.put(ctx, req.GetParent(), req.GetSamples(), req.GetValidateOnly())
	return &pb.PutMetricsResponse{Accepted: &accepted}, err
}

func (s metricService) PutMetricsStream(stream grpc.ClientStreamingServer[pb.PutMetricsStreamRequest, pb.PutMetricsStreamResponse]) error {
	var total int32
	for {
		req, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(&pb.PutMetricsStreamResponse{Accepted: &total})
		}
		if err != nil {
			return err
		}
		if !s.node.Leader().Self { // the lead was lost under the stream
			return noLeader("this node does not lead any more")
		}
		accepted, err := s.put(stream.Context(), req.GetParent(), req.GetSamples(), req.GetValidateOnly())
		if err != nil {
			return err
		}
		total += accepted
	}
}

// put hands a batch of a group's samples over. The group is looked up in what is
// applied here: samples need no older certainty than that.
func (s metricService) put(ctx context.Context, parent string, samples []*pb.Sample, dryRun bool) (int32, error) {
	if s.samples == nil {
		return 0, autoscaling.Errorf(autoscaling.DependencyMissing, "this server keeps no samples")
	}
	g, err := control.FindGroup(s.node.View().Reader, groupName(parent))
	if err != nil {
		return 0, err
	}
	now, prefix := s.node.Now(), parent+"/instances/"
	batch := make([]Sample, len(samples))
	for i, m := range samples {
		batch[i] = Sample{Metric: m.GetMetric(), Value: m.GetValue(), Time: instant(m.GetTime())}
		if batch[i].Time == 0 {
			batch[i].Time = now
		}
		if m.GetInstance() != "" {
			id, err := localID("samples.instance", m.GetInstance(), prefix)
			if err != nil {
				return 0, err
			}
			batch[i].Instance = autoscaling.InstanceID(id)
		}
	}
	if dryRun {
		return int32(len(batch)), nil
	}
	n, err := s.samples.Put(ctx, g.UID, batch)
	return int32(n), err
}

func (s metricService) QueryMetrics(ctx context.Context, req *pb.QueryMetricsRequest) (*pb.QueryMetricsResponse, error) {
	if s.samples == nil {
		return nil, autoscaling.Errorf(autoscaling.DependencyMissing, "this server keeps no samples")
	}
	v, err := s.view(ctx, pb.Consistency_LINEARIZABLE)
	if err != nil {
		return nil, err
	}
	g, err := control.FindGroup(v.Reader, groupName(req.GetParent()))
	if err != nil {
		return nil, err
	}
	q, err := s.query(req)
	if err != nil {
		return nil, err
	}
	points, err := s.samples.Query(g.UID, q)
	if err != nil {
		return nil, err
	}
	return &pb.QueryMetricsResponse{Points: convertAll(points, func(p Point) *pb.QueryMetricsResponse_Point {
		return &pb.QueryMetricsResponse_Point{Time: timestamp(p.Time), Value: &p.Value, Samples: &p.Samples}
	})}, nil
}

func (s metricService) query(req *pb.QueryMetricsRequest) (SampleQuery, error) {
	q := SampleQuery{
		Source:    orDefault(req.GetSource(), autoscaling.MetricSourcePush),
		Metric:    req.GetMetric(),
		Statistic: orDefault(name[pb.Metric_Statistic, autoscaling.Statistic](req.GetStatistic()), autoscaling.StatisticAverage),
		From:      instant(req.GetStartTime()),
		To:        instant(req.GetEndTime()),
		Period:    durationOr(req.GetPeriod(), defaultQueryPeriod),
	}
	if q.To == 0 {
		q.To = s.node.Now()
	}
	if q.From == 0 {
		q.From = q.To.Add(-defaultQuerySpan)
	}
	switch {
	case q.From >= q.To:
		return q, autoscaling.FieldErrorf("start_time", "is not before end_time")
	case q.To.Sub(q.From)/q.Period > maxQueryPoints:
		return q, autoscaling.FieldErrorf("period", "that would be more than %d points", maxQueryPoints)
	}
	return q, nil
}
