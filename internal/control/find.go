package control

import (
	"iter"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// The Find functions look a resource up by id or uid, for operations and for
// reads. They answer NOT_FOUND with the name that was asked for.

// FindConfiguration looks a configuration up.
func FindConfiguration(r fsm.Reader, name ConfigurationName) (*autoscaling.Configuration, error) {
	c := r.ConfigurationByID(name.Namespace, name.ID)
	if c == nil && autoscaling.IsUID(name.ID) {
		c = r.Configuration(autoscaling.UID(name.ID))
	}
	if c == nil || c.Namespace != name.Namespace {
		return nil, notFound(autoscaling.ConfigurationResource(name.Namespace, name.ID))
	}
	return c, nil
}

// FindGroup looks a group up that is not DELETED.
func FindGroup(r fsm.Reader, name GroupName) (*autoscaling.Group, error) {
	g := r.GroupByID(name.Namespace, name.ID)
	if g == nil && autoscaling.IsUID(name.ID) {
		g = r.Group(autoscaling.UID(name.ID))
	}
	if g == nil || g.Namespace != name.Namespace || g.State == autoscaling.GroupDeleted {
		return nil, notFound(autoscaling.GroupResource(name.Namespace, name.ID))
	}
	return g, nil
}

// FindRule looks a rule up, with its group.
func FindRule(r fsm.Reader, name ChildName) (*autoscaling.Group, *autoscaling.Rule, error) {
	g, err := FindGroup(r, GroupName{name.Namespace, name.Group})
	if err != nil {
		return nil, nil, err
	}
	rule := r.Rule(g.UID, name.ID)
	if rule == nil {
		rule = byUID(r.Rules(g.UID), name.ID, func(c *autoscaling.Rule) autoscaling.UID { return c.UID })
	}
	if rule == nil {
		return nil, nil, notFound(autoscaling.RuleResource(name.Namespace, name.Group, name.ID))
	}
	return g, rule, nil
}

// FindAlarmTask looks an alarm up, with its group.
func FindAlarmTask(r fsm.Reader, name ChildName) (*autoscaling.Group, *autoscaling.AlarmTask, error) {
	g, err := FindGroup(r, GroupName{name.Namespace, name.Group})
	if err != nil {
		return nil, nil, err
	}
	alarm := r.AlarmTask(g.UID, name.ID)
	if alarm == nil {
		alarm = byUID(r.AlarmTasks(g.UID), name.ID, func(c *autoscaling.AlarmTask) autoscaling.UID { return c.UID })
	}
	if alarm == nil {
		return nil, nil, notFound(autoscaling.AlarmTaskResource(name.Namespace, name.Group, name.ID))
	}
	return g, alarm, nil
}

// FindScheduledTask looks a scheduled task up, with its group.
func FindScheduledTask(r fsm.Reader, name ChildName) (*autoscaling.Group, *autoscaling.ScheduledTask, error) {
	g, err := FindGroup(r, GroupName{name.Namespace, name.Group})
	if err != nil {
		return nil, nil, err
	}
	task := r.ScheduledTask(g.UID, name.ID)
	if task == nil {
		task = byUID(r.ScheduledTasks(g.UID), name.ID, func(c *autoscaling.ScheduledTask) autoscaling.UID { return c.UID })
	}
	if task == nil {
		return nil, nil, notFound(autoscaling.ScheduledTaskResource(name.Namespace, name.Group, name.ID))
	}
	return g, task, nil
}

// byUID looks a child up by uid. A group has at most MaxChildren of a kind.
func byUID[T any](children iter.Seq[*T], uid string, of func(*T) autoscaling.UID) *T {
	if !autoscaling.IsUID(uid) {
		return nil
	}
	for c := range children {
		if of(c) == autoscaling.UID(uid) {
			return c
		}
	}
	return nil
}

// FindInstance looks an instance up, also a final one and also of a group that
// is gone, with its group.
func FindInstance(r fsm.Reader, name ChildName) (*autoscaling.Group, *autoscaling.Instance, error) {
	id := instanceID(name.ID)
	if g, err := FindGroup(r, GroupName{name.Namespace, name.Group}); err == nil {
		if i := r.Instance(g.UID, id); i != nil {
			return g, i, nil
		}
	}
	for g := range r.DeletedGroups(name.Namespace, name.Group) {
		if i := r.Instance(g.UID, id); i != nil {
			return g, i, nil
		}
	}
	return nil, nil, notFound(autoscaling.InstanceResource(name.Namespace, name.Group, autoscaling.InstanceID(name.ID)))
}

// instanceID reads an instance's id or uid.
func instanceID(idOrUID string) autoscaling.InstanceID {
	if id, ok := autoscaling.InstanceOfUID(autoscaling.UID(idOrUID)); ok {
		return id
	}
	return autoscaling.InstanceID(idOrUID)
}

// FindActivity looks an activity up by number or uid. Its group may be DELETED:
// name.Group may be the id that it had, or its uid.
func FindActivity(r fsm.Reader, name ChildName) (*autoscaling.Group, *autoscaling.Activity, error) {
	id, ok := autoscaling.ParseActivityID(name.ID)
	if !ok {
		id, ok = autoscaling.ActivityOfUID(autoscaling.UID(name.ID))
	}
	if ok {
		a := r.Activity(id)
		if a != nil && a.Namespace == name.Namespace && (a.GroupID == name.Group || string(a.Group) == name.Group) {
			return r.Group(a.Group), a, nil
		}
	}
	return nil, nil, notFound(autoscaling.GroupResource(name.Namespace, name.Group) + "/activities/" + name.ID)
}

func notFound(resource string) error {
	err := autoscaling.Errorf(autoscaling.NotFound, "%s does not exist", resource)
	err.Resource = resource
	return err
}
