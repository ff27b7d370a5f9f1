package rpc

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func TestSamplesGoToTheLeader(t *testing.T) {
	c := startCluster(t, 2)
	setUp(t, c.nodes[0])
	api := c.nodes[1].clients()
	ctx := context.Background()
	at := time.Date(2026, 11, 21, 11, 59, 0, 0, time.UTC)
	answer := ok[*pb.PutMetricsResponse](t)(api.PutMetrics(ctx, &pb.PutMetricsRequest{Parent: web, Samples: []*pb.Sample{
		{Metric: "cpu", Value: 1, Time: timestamppb.New(at), Instance: web + "/instances/i-1"}, {Metric: "cpu", Value: 2},
	}}))
	taken := c.nodes[0].samples.taken()
	if answer.GetAccepted() != 2 || len(taken) != 2 || taken[0].Instance != "i-1" || taken[0].Time != autoscaling.TimeOf(at) || taken[1].Time == 0 || taken[1].Value != 2 {
		t.Errorf("%v %+v", answer, taken)
	}
	dry := ok[*pb.PutMetricsResponse](t)(api.PutMetrics(ctx, &pb.PutMetricsRequest{Parent: web, ValidateOnly: true, Samples: []*pb.Sample{{Metric: "cpu"}}}))
	if dry.GetAccepted() != 1 || len(c.nodes[0].samples.taken()) != 2 {
		t.Error("a dry run kept samples")
	}
	for _, req := range []*pb.PutMetricsRequest{
		{Parent: web, Samples: []*pb.Sample{{Metric: ""}}},
		{Parent: web, Samples: []*pb.Sample{{Metric: "cpu", Instance: ns + "/groups/other/instances/i-1"}}},
		{Parent: web, Samples: make([]*pb.Sample, 1001)},
	} {
		_, err := api.PutMetrics(ctx, req)
		wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
	}
	c.nodes[0].samples.err = autoscaling.Errorf(autoscaling.OutOfRange, "too old")
	_, err := api.PutMetrics(ctx, &pb.PutMetricsRequest{Parent: web, Samples: []*pb.Sample{{Metric: "cpu"}}})
	wantError(t, err, codes.OutOfRange, autoscaling.OutOfRange)
}

func TestPointsAreAskedOfTheLeader(t *testing.T) {
	c := startCluster(t, 2)
	setUp(t, c.nodes[0])
	api := c.nodes[1].clients()
	ctx := context.Background()
	answer := ok[*pb.QueryMetricsResponse](t)(api.QueryMetrics(ctx, &pb.QueryMetricsRequest{Parent: web, Metric: "cpu"}))
	q := c.nodes[0].samples.query
	if len(answer.GetPoints()) != 1 || answer.GetPoints()[0].GetSamples() != 2 {
		t.Error(answer)
	}
	if q.Source != "push" || q.Statistic != autoscaling.StatisticAverage || q.Period != time.Minute || q.To.Sub(q.From) != time.Hour {
		t.Errorf("%+v", q)
	}
	ok[*pb.QueryMetricsResponse](t)(api.QueryMetrics(ctx, &pb.QueryMetricsRequest{
		Parent: web, Metric: "cpu", Source: "provider", Statistic: pb.Metric_P99, Period: durationpb.New(10 * time.Second),
	}))
	if q := c.nodes[0].samples.query; q.Source != "provider" || q.Statistic != autoscaling.StatisticP99 || q.Period != 10*time.Second {
		t.Errorf("%+v", q)
	}
	_, err := api.QueryMetrics(ctx, &pb.QueryMetricsRequest{Parent: web, Metric: "cpu", Period: durationpb.New(time.Second), StartTime: timestamppb.New(time.Unix(1, 0))})
	wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument)
}

// A time that was given is not "now" or "not given", whatever it is.
func TestTheBeginningOfTimeIsATime(t *testing.T) {
	c := startCluster(t, 1)
	setUp(t, c.nodes[0])
	api := c.nodes[0].clients()
	ctx := context.Background()
	for _, at := range []time.Time{time.Unix(0, 0), {}} {
		ok[*pb.PutMetricsResponse](t)(api.PutMetrics(ctx, &pb.PutMetricsRequest{Parent: web, Samples: []*pb.Sample{{Metric: "cpu", Time: timestamppb.New(at)}}}))
		taken := c.nodes[0].samples.taken()
		if got := taken[len(taken)-1].Time; got > autoscaling.TimeOf(time.Unix(1, 0)) {
			t.Errorf("a sample of %s counts as one of %s", at, got)
		}
		task := nightTask()
		task.Recurrence, task.StartTime = nil, timestamppb.New(at)
		_, err := api.CreateScheduledTask(ctx, &pb.CreateScheduledTaskRequest{Parent: web, ScheduledTaskId: "past", ScheduledTask: task})
		if st := wantError(t, err, codes.InvalidArgument, autoscaling.InvalidArgument); strings.Contains(st.Message(), "required") {
			t.Errorf("start_time %s: %s", at, st.Message())
		}
	}
}
