package virtual

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/clustertest"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/fsm"
)

// patience is how long a request is repeated while nobody accepts it.
const patience = 5 * time.Minute

// Request writes a change through whoever leads, under an id of its own: it is
// repeated until it is acknowledged, and happens once. It answers what op
// answered the first time.
func (w *World) Request(op func(tx *fsm.Tx) (string, error)) (string, error) {
	w.t.Helper()
	w.mu.Lock()
	w.requests++
	id := fmt.Sprintf("request-%d", w.requests)
	w.mu.Unlock()
	var answer string
	var err error
	if !w.comes(patience, func() bool {
		answer, err = w.RequestAt(w.Leader(), id, op)
		return !passes(err)
	}) {
		w.fail("request not accepted: %v", err)
	}
	if err == nil {
		w.mu.Lock()
		w.accepted = append(w.accepted, id)
		w.mu.Unlock()
	}
	return answer, err
}

// passes says whether an error is a matter of trying again.
func passes(err error) bool {
	e, ok := errors.AsType[*autoscaling.Error](err)
	return ok && (e.Reason == autoscaling.NoLeader || e.Reason == autoscaling.OutcomeUnknown) || errors.Is(err, context.DeadlineExceeded)
}

// RequestAt is one try of a request, at one node.
func (w *World) RequestAt(m *clustertest.Member, id string, op func(tx *fsm.Tx) (string, error)) (answer string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = m.Do(ctx, func(tx *fsm.Tx) error {
		if earlier := tx.Request("default", id); earlier != nil {
			answer = string(earlier.Answer)
			return nil
		}
		a, err := op(tx)
		if err != nil {
			return err
		}
		answer = a
		tx.PutRequest(&autoscaling.Request{Namespace: "default", ID: id, Answer: []byte(a), Time: tx.Now()})
		return nil
	})
	return answer, err
}

// must is Request for what is accepted.
func (w *World) must(what string, op func(tx *fsm.Tx) (string, error)) string {
	w.t.Helper()
	answer, err := w.Request(op)
	if err != nil {
		w.fail("%s: %v", what, err)
	}
	return answer
}

// Configure makes a configuration; its machines are of the cloud.
func (w *World) Configure(id string, change func(*autoscaling.Template)) {
	w.t.Helper()
	template := autoscaling.Template{Provider: CloudName, Ports: []int32{80}, StopTimeout: 5 * time.Second}
	if change != nil {
		change(&template)
	}
	w.must("create configuration "+id, func(tx *fsm.Tx) (string, error) {
		_, _, err := w.Ops.CreateConfiguration(tx, control.CreateConfigurationRequest{
			Namespace: "default", NewMeta: control.NewMeta{ID: id}, Template: template,
		})
		return "", err
	})
}

// Group makes a group of configuration "app", behind pool "web" and in list
// "db", with sizes 0, desired and 20.
func (w *World) Group(id string, desired int32, change func(*autoscaling.GroupSpec)) {
	w.t.Helper()
	spec := autoscaling.DefaultGroupSpec()
	spec.Desired, spec.Max = desired, 20
	spec.Configuration = autoscaling.ConfigurationRef{ID: "app"}
	spec.Balancers = []autoscaling.BalancerRef{{Provider: BalancerName, Pool: "web", Port: 80, Weight: 1, DrainTimeout: 10 * time.Second}}
	spec.AccessLists = []autoscaling.AccessListRef{{Provider: ListsName, List: "db"}}
	if change != nil {
		change(&spec)
	}
	w.must("create group "+id, func(tx *fsm.Tx) (string, error) {
		_, err := w.Ops.CreateGroup(tx, control.CreateGroupRequest{
			Namespace: "default", NewMeta: control.NewMeta{ID: id}, Spec: spec, DesiredNamed: true,
		})
		return "", err
	})
}

// Rule makes a simple rule that changes capacity by n.
func (w *World) Rule(group, id string, n int32) {
	w.t.Helper()
	w.must("create rule "+id, func(tx *fsm.Tx) (string, error) {
		_, err := w.Ops.CreateRule(tx, control.CreateRuleRequest{
			Parent: groupName(group), NewMeta: control.NewMeta{ID: id},
			Rule: autoscaling.Rule{Simple: &autoscaling.SimpleRule{AdjustmentType: autoscaling.ChangeInCapacity, Adjustment: n, Rounding: autoscaling.RoundDefault}},
		})
		return "", err
	})
}

// Alarm makes an alarm on the machines' CPU that asks for a rule.
func (w *World) Alarm(group, id, rule string, change func(*autoscaling.AlarmTask)) {
	w.t.Helper()
	alarm := autoscaling.DefaultAlarmTask()
	alarm.Metric = autoscaling.Metric{Source: autoscaling.MetricSourceProvider, Name: "cpu_utilization", Statistic: autoscaling.StatisticAverage}
	alarm.Period, alarm.EvaluationPeriods, alarm.Rules = 10*time.Second, 2, []string{rule}
	change(&alarm)
	w.must("create alarm task "+id, func(tx *fsm.Tx) (string, error) {
		_, err := w.Ops.CreateAlarmTask(tx, control.CreateAlarmTaskRequest{Parent: groupName(group), NewMeta: control.NewMeta{ID: id}, Alarm: alarm})
		return "", err
	})
}

// Task makes a scheduled task.
func (w *World) Task(group, id string, change func(*autoscaling.ScheduledTask)) {
	w.t.Helper()
	task := autoscaling.DefaultScheduledTask()
	change(&task)
	w.must("create scheduled task "+id, func(tx *fsm.Tx) (string, error) {
		_, err := w.Ops.CreateScheduledTask(tx, control.CreateScheduledTaskRequest{
			Parent: groupName(group), NewMeta: control.NewMeta{ID: id}, Task: task,
		})
		return "", err
	})
}

// SetDesired asks for a capacity; it answers the activity, which may be a refusal.
func (w *World) SetDesired(group string, desired int32) *autoscaling.Activity {
	w.t.Helper()
	return w.activity("set desired capacity", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return w.Ops.SetDesiredCapacity(tx, control.SetDesiredCapacityRequest{Name: groupName(group), Desired: desired})
	})
}

// ExecuteRule asks for a rule as a caller does, or, with a source, as its alarm.
func (w *World) ExecuteRule(group, rule string, trigger autoscaling.TriggerKind) *autoscaling.Activity {
	w.t.Helper()
	return w.activity("execute rule", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return w.Ops.ExecuteRule(tx, control.ExecuteRuleRequest{
			Name: control.ChildName{Namespace: "default", Group: group, ID: rule}, Trigger: trigger,
		})
	})
}

// RemoveInstance asks for one instance to go, and to be replaced unless
// decrement is set.
func (w *World) RemoveInstance(group string, id autoscaling.InstanceID, decrement bool) *autoscaling.Activity {
	w.t.Helper()
	return w.activity("remove instance", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return w.Ops.RemoveInstances(tx, control.RemoveInstancesRequest{Group: groupName(group), Instances: []string{string(id)}, Decrement: decrement})
	})
}

// DeleteGroup deletes a group by force.
func (w *World) DeleteGroup(group string) *autoscaling.Activity {
	w.t.Helper()
	return w.activity("delete group", func(tx *fsm.Tx) (*autoscaling.Activity, error) {
		return w.Ops.DeleteGroup(tx, control.DeleteGroupRequest{Name: groupName(group), Force: true})
	})
}

func (w *World) activity(what string, op func(tx *fsm.Tx) (*autoscaling.Activity, error)) *autoscaling.Activity {
	w.t.Helper()
	answer := w.must(what, func(tx *fsm.Tx) (string, error) {
		a, err := op(tx)
		if err != nil {
			return "", err
		}
		return a.ID.String(), nil
	})
	id, err := strconv.ParseUint(answer, 10, 64)
	if err != nil {
		w.fail("%s: answer %q", what, answer)
	}
	return w.Activity(autoscaling.ActivityID(id))
}

// Activity is the activity as the leader knows it.
func (w *World) Activity(id autoscaling.ActivityID) *autoscaling.Activity {
	w.t.Helper()
	a := w.Leader().View().Activity(id)
	if a == nil {
		w.fail("there is no activity %d", id)
	}
	return a
}

// GroupRecord is the group as the leader knows it.
func (w *World) GroupRecord(id string) *autoscaling.Group {
	w.t.Helper()
	g := w.Leader().View().GroupByID("default", id)
	if g == nil {
		w.fail("there is no group %s", id)
	}
	return g
}

// Instances are the group's live instances as the leader knows them.
func (w *World) Instances(group string) []*autoscaling.Instance {
	w.t.Helper()
	v := w.Leader().View()
	var all []*autoscaling.Instance
	for i := range v.Instances(v.GroupByID("default", group).UID) {
		all = append(all, i)
	}
	return all
}

// KillMachine ends a machine as a crash would.
func (w *World) KillMachine(id autoscaling.InstanceID) {
	w.t.Helper()
	if _, err := w.Cloud.Kill(string(id)); err != nil {
		w.fail("kill machine %s: %v", id, err)
	}
	w.Books.ended(string(id), "crashed")
}

// Vanish takes a machine away as if it had never been.
func (w *World) Vanish(id autoscaling.InstanceID) {
	w.t.Helper()
	if _, err := w.Cloud.Vanish(string(id)); err != nil {
		w.fail("vanish machine %s: %v", id, err)
	}
	w.Books.vanished(string(id))
}

func groupName(id string) control.GroupName { return control.GroupName{Namespace: "default", ID: id} }
