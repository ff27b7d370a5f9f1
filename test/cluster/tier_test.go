package cluster_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

func groupName(id string) string { return namespace + "/groups/" + id }

func seconds(n float64) *durationpb.Duration {
	return durationpb.New(time.Duration(n * float64(time.Second)))
}

// createConfiguration makes the configuration "web" of real processes.
func (w *world) createConfiguration(c *pb.Configuration) {
	w.Helper()
	c.StopTimeout = seconds(5)
	w.must("create the configuration", func(ctx context.Context, a api) error {
		_, err := a.configurations.CreateConfiguration(ctx, &pb.CreateConfigurationRequest{
			Parent: namespace, ConfigurationId: "web", Configuration: c,
		})
		return accepted(err)
	})
}

func webConfiguration() *pb.Configuration {
	return &pb.Configuration{Provider: "local", Command: []string{webapp()}, Env: map[string]string{"WORK": "1ms"}, Ports: []int32{8080}}
}

// accepted forgives that an earlier attempt already did it.
func accepted(err error) error {
	if status.Code(err) == codes.AlreadyExists {
		return nil
	}
	return err
}

// webGroup is a group behind the balancer and in the list "db".
func webGroup(desired int32) *pb.Group {
	return &pb.Group{
		MinSize: proto.Int32(0), MaxSize: proto.Int32(20), DesiredCapacity: proto.Int32(desired),
		Configuration:   &pb.Group_ConfigurationReference{Name: "web"},
		DefaultCooldown: seconds(300),
		HealthCheck:     &pb.HealthCheck{Types: []pb.HealthCheck_Type{pb.HealthCheck_PROVIDER, pb.HealthCheck_BALANCER}, GracePeriod: seconds(30)},
		Balancers:       []*pb.Group_Balancer{{Provider: "edge", Pool: "web", Port: 8080, DrainTimeout: seconds(5)}},
		AccessLists:     []*pb.Group_AccessList{{Provider: "files", List: "db"}},
		LaunchTimeout:   seconds(60),
	}
}

func (w *world) createGroup(id string, g *pb.Group) {
	w.Helper()
	w.must("create group "+id, func(ctx context.Context, a api) error {
		_, err := a.groups.CreateGroup(ctx, &pb.CreateGroupRequest{Parent: namespace, GroupId: id, Group: g})
		return accepted(err)
	})
}

func (w *world) createRule(group, id string, adjustment int32) {
	w.Helper()
	w.must("create rule "+id, func(ctx context.Context, a api) error {
		_, err := a.rules.CreateRule(ctx, &pb.CreateRuleRequest{Parent: groupName(group), RuleId: id, Rule: &pb.Rule{
			Kind: &pb.Rule_Simple{Simple: &pb.SimpleRule{AdjustmentType: pb.Rule_CHANGE_IN_CAPACITY, Adjustment: proto.Int32(adjustment)}},
		}})
		return accepted(err)
	})
}

// createAlarm watches the pushed metric "load", a second at a time.
func (w *world) createAlarm(group, id string, comparison pb.AlarmTask_Comparison, threshold float64, rule string) {
	w.Helper()
	w.must("create alarm "+id, func(ctx context.Context, a api) error {
		_, err := a.alarms.CreateAlarmTask(ctx, &pb.CreateAlarmTaskRequest{Parent: groupName(group), AlarmTaskId: id, AlarmTask: &pb.AlarmTask{
			Metric: &pb.Metric{Source: "push", Name: "load", Statistic: pb.Metric_AVERAGE},
			Period: seconds(1), Comparison: comparison, Threshold: proto.Float64(threshold), EvaluationPeriods: proto.Int32(1), Rules: []string{rule},
		}})
		return accepted(err)
	})
}

func (w *world) executeRule(group, rule string) *pb.Activity {
	w.Helper()
	id := uuid.NewString()
	var activity *pb.Activity
	w.must("execute rule "+rule, func(ctx context.Context, a api) (err error) {
		activity, err = a.rules.ExecuteRule(ctx, &pb.ExecuteRuleRequest{Name: groupName(group) + "/rules/" + rule, RequestId: id})
		return err
	})
	return activity
}

func (w *world) setDesired(group string, desired int32) *pb.Activity {
	w.Helper()
	id := uuid.NewString()
	var activity *pb.Activity
	w.must("set desired capacity", func(ctx context.Context, a api) (err error) {
		activity, err = a.groups.SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: groupName(group), DesiredCapacity: proto.Int32(desired), RequestId: id})
		return err
	})
	return activity
}

// endCooldown pauses and resumes the group, which is what ends a cooldown.
func (w *world) endCooldown(group string) {
	w.Helper()
	w.must("pause "+group, func(ctx context.Context, a api) error {
		_, err := a.groups.PauseGroup(ctx, &pb.PauseGroupRequest{Name: groupName(group)})
		return err
	})
	w.must("resume "+group, func(ctx context.Context, a api) error {
		_, err := a.groups.ResumeGroup(ctx, &pb.ResumeGroupRequest{Name: groupName(group)})
		return err
	})
}

func (w *world) deleteGroup(group string) {
	w.Helper()
	id := uuid.NewString()
	w.must("delete group "+group, func(ctx context.Context, a api) error {
		_, err := a.groups.DeleteGroup(ctx, &pb.DeleteGroupRequest{Name: groupName(group), Force: true, RequestId: id})
		return err
	})
	w.eventually("group "+group+" is gone", func() error {
		err := w.attempt(func(ctx context.Context, a api) error {
			_, err := a.groups.GetGroup(ctx, &pb.GetGroupRequest{Name: groupName(group)})
			return err
		})
		if status.Code(err) == codes.NotFound {
			return nil
		}
		return fmt.Errorf("get answers %v", err)
	})
}

func (w *world) group(id string) *pb.Group {
	w.Helper()
	var g *pb.Group
	w.must("get group "+id, func(ctx context.Context, a api) (err error) {
		g, err = a.groups.GetGroup(ctx, &pb.GetGroupRequest{Name: groupName(id)})
		return err
	})
	return g
}

// instances are a group's, by id; with those that are gone, if asked.
func (w *world) instances(group string, withFinal bool) map[string]*pb.Instance {
	w.Helper()
	found := map[string]*pb.Instance{}
	w.must("list the instances of "+group, func(ctx context.Context, a api) error {
		list, err := a.instances.ListInstances(ctx, &pb.ListInstancesRequest{Parent: groupName(group), PageSize: 1000, IncludeFinal: withFinal})
		clear(found)
		for _, i := range list.GetInstances() {
			found[i.Name[len(groupName(group)+"/instances/"):]] = i
		}
		return err
	})
	return found
}

func (w *world) activities(group string) []*pb.Activity {
	w.Helper()
	var found []*pb.Activity
	w.must("list the activities of "+group, func(ctx context.Context, a api) error {
		list, err := a.activities.ListActivities(ctx, &pb.ListActivitiesRequest{Parent: groupName(group), PageSize: 1000})
		found = list.GetActivities()
		return err
	})
	return found
}

// awaitSettled waits until the group has so many instances in service, no other
// ones, and nothing under way.
func (w *world) awaitSettled(group string, want int32) {
	w.Helper()
	w.eventually(fmt.Sprintf("%s has %d in service", group, want), func() error {
		c := w.group(group).Counts
		if c.GetInService() != want || c.GetTotal() != want {
			return fmt.Errorf("counts are %v", c)
		}
		for _, a := range w.activities(group) {
			if a.Status == pb.Activity_IN_PROGRESS {
				return fmt.Errorf("activity %s is in progress: %s", a.Name, a.Cause)
			}
		}
		return nil
	})
}

// checkOutside holds the world outside against the groups' live instances: one
// process each and no other, their addresses and no other in the list, and they
// and no other behind the balancer of every node that runs.
func (w *world) checkOutside(groups ...string) {
	w.Helper()
	w.eventually("the world outside is as recorded", func() error {
		live := map[string]*pb.Instance{} // read anew: what died a moment ago is replaced
		for _, g := range groups {
			maps.Copy(live, w.instances(g, false))
		}
		processes := w.processes()
		for id, pids := range processes {
			if live[id] == nil || len(pids) != 1 {
				return fmt.Errorf("instance %s (live: %v) has processes %v", id, live[id] != nil, pids)
			}
		}
		if len(processes) != len(live) {
			return fmt.Errorf("%d processes for %d instances", len(processes), len(live))
		}
		listed := w.listed("db")
		for id, i := range live {
			for _, address := range i.Addresses {
				if listed[address] != id {
					return fmt.Errorf("the list has %q for %s of %s", listed[address], address, id)
				}
				delete(listed, address)
			}
		}
		if len(listed) > 0 {
			return fmt.Errorf("the list still has %v", listed)
		}
		want := slices.Sorted(maps.Keys(live))
		for _, n := range w.Nodes {
			if !n.Running() {
				continue
			}
			if got := w.served(n); !slices.Equal(got, want) {
				return fmt.Errorf("%s's balancer serves %v, want %v", n.ID, got, want)
			}
		}
		return nil
	})
}

// pusher pushes the metric "load" of a group five times a second, through
// whichever node takes it, as an agent would.
type pusher struct {
	stop func() // waits until no more is pushed

	mu    sync.Mutex
	value float64
}

func (p *pusher) set(value float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.value = value
}

func (w *world) push(group string, value float64) *pusher {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	p := &pusher{value: value, stop: func() { cancel(); <-done }}
	go func() {
		defer close(done)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			p.mu.Lock()
			sample := &pb.Sample{Metric: "load", Value: p.value}
			p.mu.Unlock()
			for _, n := range w.Nodes {
				if !n.Running() {
					continue
				}
				try, cancel := context.WithTimeout(ctx, time.Second)
				_, err := w.at(n).metrics.PutMetrics(try, &pb.PutMetricsRequest{Parent: groupName(group), Samples: []*pb.Sample{sample}})
				cancel()
				if err == nil {
					break
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	w.Cleanup(p.stop)
	return p
}
