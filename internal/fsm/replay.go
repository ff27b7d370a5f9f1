package fsm

import (
	"fmt"

	"github.com/asctl/as/internal/autoscaling"
)

// replayPut puts a decoded record. It decides nothing and checks only what the
// tables need to stay whole.
func (st *state) replayPut(record any, t *touched) error {
	switch r := record.(type) {
	case *autoscaling.Instance:
		s, err := st.childShard(kindInstance, r.Group)
		if err != nil {
			return err
		}
		st.putInstance(s, r)
		t.group(r.Group)
	case *autoscaling.Event:
		if r.Index != st.events.last+1 {
			return fmt.Errorf("event %d does not follow event %d", r.Index, st.events.last)
		}
		st.events.append(st.mutable, r)
		t.events = true
	case *autoscaling.Activity:
		s, err := st.childShard(kindActivity, r.Group)
		if err != nil {
			return err
		}
		st.sawActivity(r.ID)
		st.putActivity(s, r)
		t.group(r.Group)
	case *autoscaling.Group:
		st.replaceGroup(Reader{st}.Group(r.UID), r)
		t.group(r.UID)
	case *autoscaling.Rule:
		s, err := st.childShard(kindRule, r.Group)
		if err != nil {
			return err
		}
		st.replaceRule(r.Group, getChild(s.rules, r.ID, ruleID), r)
		t.group(r.Group)
	case *autoscaling.AlarmTask:
		s, err := st.childShard(kindAlarm, r.Group)
		if err != nil {
			return err
		}
		st.replaceAlarm(r.Group, getChild(s.alarms, r.ID, alarmID), r)
		t.group(r.Group)
	case *autoscaling.ScheduledTask:
		s, err := st.childShard(kindTask, r.Group)
		if err != nil {
			return err
		}
		st.replaceTask(r.Group, getChild(s.tasks, r.ID, taskID), r)
		t.group(r.Group)
	case *autoscaling.Delivery:
		if st.outbox(r.Target) == nil {
			return fmt.Errorf("%s to target %q, which does not exist", kindDelivery, r.Target)
		}
		st.sawDelivery(r.ID)
		st.replaceDelivery(r.Target, Reader{st}.Delivery(r.Target, r.ID), r)
		t.target(r.Target)
	case *autoscaling.LifecycleHook:
		s, err := st.childShard(kindHook, r.Group)
		if err != nil {
			return err
		}
		st.replaceHook(r.Group, getChild(s.hooks, r.ID, hookID), r)
		t.group(r.Group)
	case *autoscaling.Notification:
		s, err := st.childShard(kindNotification, r.Group)
		if err != nil {
			return err
		}
		st.replaceNotification(r.Group, getChild(s.notifications, r.ID, notificationID), r)
		t.group(r.Group)
	case *autoscaling.NotificationTarget:
		st.replaceTarget(Reader{st}.NotificationTarget(r.UID), r)
		t.target(r.UID)
	case *autoscaling.Released:
		st.replaceReleased(nil, r)
	case *autoscaling.Configuration:
		prev := st.line(r.UID)
		st.replaceConfiguration(prev, prev.with(r))
	case *autoscaling.ConfigurationVersion:
		prev := st.line(r.Configuration)
		if prev == nil {
			return fmt.Errorf("a configuration version of configuration %q, which does not exist", r.Configuration)
		}
		st.replaceConfiguration(prev, prev.withVersion(r))
	case *autoscaling.Request:
		st.replaceRequest(Reader{st}.Request(r.Namespace, r.ID), r)
	case *autoscaling.Node:
		st.replaceNode(nil, r)
		t.nodes = true
	case *autoscaling.ProviderStore:
		st.replaceStore(nil, r)
	case *autoscaling.Orphan:
		st.replaceOrphan(nil, r)
	case *autoscaling.Cluster:
		st.cluster = r
	default:
		panic(fmt.Sprintf("fsm: no table for %T", record))
	}
	return nil
}

func (st *state) childShard(k kind, group autoscaling.UID) (*shard, error) {
	if s := st.shard(group); s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("%s of group %q, which does not exist", k, group)
}

// replayDelete deletes a record; one that does not exist was put and deleted in
// the same batch.
func (st *state) replayDelete(k kind, id key, t *touched) error {
	group := autoscaling.UID(id.a)
	s := st.shard(group)
	switch k {
	case kindInstance, kindActivity, kindRule, kindAlarm, kindTask, kindHook, kindNotification, kindGroup:
		if k == kindActivity {
			st.sawActivity(autoscaling.ActivityID(id.n))
		}
		if s == nil {
			return nil
		}
		t.group(group)
	}
	switch k {
	case kindGroup:
		st.removeShard(s)
	case kindInstance:
		if prev := s.instance(autoscaling.InstanceID(id.b)); prev != nil {
			st.removeInstance(s, prev)
		}
	case kindActivity:
		st.removeActivity(s, autoscaling.ActivityID(id.n))
	case kindRule:
		st.replaceRule(group, getChild(s.rules, id.b, ruleID), nil)
	case kindAlarm:
		st.replaceAlarm(group, getChild(s.alarms, id.b, alarmID), nil)
	case kindTask:
		st.replaceTask(group, getChild(s.tasks, id.b, taskID), nil)
	case kindHook:
		st.replaceHook(group, getChild(s.hooks, id.b, hookID), nil)
	case kindNotification:
		st.replaceNotification(group, getChild(s.notifications, id.b, notificationID), nil)
	case kindTarget:
		if o := st.outbox(autoscaling.UID(id.a)); o != nil {
			st.removeOutbox(o)
		}
		t.target(autoscaling.UID(id.a))
	case kindDelivery:
		st.sawDelivery(id.n)
		if prev := (Reader{st}).Delivery(autoscaling.UID(id.a), id.n); prev != nil {
			st.replaceDelivery(prev.Target, prev, nil)
		}
		t.target(autoscaling.UID(id.a))
	case kindReleased:
		st.released.delete(st.mutable, name(id.a, id.b))
	case kindConfiguration:
		if prev := st.line(autoscaling.UID(id.a)); prev != nil {
			st.replaceConfiguration(prev, nil)
		}
	case kindRequest:
		if prev, ok := st.requests.get(name(id.a, id.b)); ok {
			st.replaceRequest(prev, nil)
		}
	case kindNode:
		st.nodes.delete(st.mutable, id.a)
		t.nodes = true
	case kindOrphan:
		st.orphans.delete(st.mutable, name(id.a, id.b))
	default:
		return &olderError{fmt.Sprintf("a delete of a %s", k)}
	}
	return nil
}
