package cluster_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// TestTheSamplesOfAKilledLeaderCountForTheNext kills the leader while the sum of
// a steady load is above a threshold, which a part of the period would not reach.
func TestTheSamplesOfAKilledLeaderCountForTheNext(t *testing.T) {
	t.Parallel()
	w := start(t, nodes.Options{Providers: processProviders()})
	w.createConfiguration(webConfiguration())
	g := webGroup(2)
	g.DefaultCooldown = seconds(0)
	w.createGroup("web", g)
	w.createRule("web", "fewer", -1)
	const period = 20 * time.Second
	w.must("create the alarm", func(ctx context.Context, a api) error {
		_, err := a.alarms.CreateAlarmTask(ctx, &pb.CreateAlarmTaskRequest{Parent: groupName("web"), AlarmTaskId: "low", AlarmTask: &pb.AlarmTask{
			Metric: &pb.Metric{Source: "push", Name: "load", Statistic: pb.Metric_SUM}, Period: seconds(period.Seconds()),
			Comparison: pb.AlarmTask_LESS_THAN, Threshold: proto.Float64(700), EvaluationPeriods: proto.Int32(1), Rules: []string{"fewer"},
		}})
		return accepted(err)
	})
	begin := w.feed.last()
	load := w.push("web", 10) // 1000 in a period
	defer load.stop()
	w.feed.await(begin, "the alarm is OK", attribute(about("low", of("web", pb.Event_ALARM_STATE_CHANGED)), "to", "OK"))
	time.Sleep(period / 4)

	begin = w.feed.last()
	killed := time.Now()
	w.leader().Kill()
	w.leader()
	points := w.points("web", killed.Add(-period/2), killed)
	if n := len(points); n < 8 {
		t.Errorf("of the 10 s before the kill the next leader has samples of %d", n)
	}
	time.Sleep(time.Until(killed.Add(13 * time.Second))) // the grace of a new leader is over
	if d := w.group("web").GetDesiredCapacity(); d != 2 {
		t.Errorf("desired is %d at steady load", d)
	}
	for _, e := range w.feed.after(begin, about("low", of("web", pb.Event_ALARM_STATE_CHANGED))) {
		t.Errorf("the alarm changed at steady load: %s", line(e))
	}
}

// points are the seconds of the metric "load" that have samples.
func (w *world) points(group string, from, to time.Time) []*pb.QueryMetricsResponse_Point {
	w.Helper()
	var points []*pb.QueryMetricsResponse_Point
	w.must("query metrics", func(ctx context.Context, a api) error {
		answer, err := a.metrics.QueryMetrics(ctx, &pb.QueryMetricsRequest{
			Parent: groupName(group), Metric: "load", Period: seconds(1), StartTime: timestamppb.New(from), EndTime: timestamppb.New(to),
		})
		points = answer.GetPoints()
		return err
	})
	return points
}
