package explain

import (
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// teller gathers statements about one group, or one of its instances.
type teller struct {
	fsm.Reader
	now     autoscaling.Time
	group   *autoscaling.Group
	cluster string

	statements []Statement
}

func newTeller(r fsm.Reader, g *autoscaling.Group, now autoscaling.Time) *teller {
	t := &teller{Reader: r, now: now, group: g}
	if c := r.Cluster(); c != nil {
		t.cluster = c.Name
	}
	return t
}

// say adds a sentence; without words nothing.
func (t *teller) say(topic Topic, text string, when autoscaling.Time, links ...Link) {
	if text == "" {
		return
	}
	text = capital(text)
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	t.statements = append(t.statements, Statement{Topic: topic, Text: text, Time: when, Links: links})
}

// Links to what belongs to the group.

func (t *teller) instanceLink(id autoscaling.InstanceID) Link {
	g := t.group
	return Link{autoscaling.KindInstance, autoscaling.InstanceResource(g.Namespace, g.ID, id), autoscaling.InstanceARI(t.cluster, g.Namespace, g.ID, id)}
}

func (t *teller) activityLink(id autoscaling.ActivityID) Link {
	g := t.group
	return Link{autoscaling.KindActivity, autoscaling.ActivityResource(g.Namespace, g.ID, id), autoscaling.ActivityARI(t.cluster, g.Namespace, g.ID, id)}
}

func (t *teller) hookLink(id string) Link {
	g := t.group
	return Link{autoscaling.KindLifecycleHook, autoscaling.LifecycleHookResource(g.Namespace, g.ID, id), autoscaling.LifecycleHookARI(t.cluster, g.Namespace, g.ID, id)}
}

func (t *teller) taskLink(id string) Link {
	g := t.group
	return Link{autoscaling.KindScheduledTask, autoscaling.ScheduledTaskResource(g.Namespace, g.ID, id), autoscaling.ScheduledTaskARI(t.cluster, g.Namespace, g.ID, id)}
}

func (t *teller) configurationLink(c *autoscaling.Configuration) Link {
	return Link{autoscaling.KindConfiguration, autoscaling.ConfigurationResource(c.Namespace, c.ID), autoscaling.ConfigurationARI(t.cluster, c.Namespace, c.ID)}
}

// linkOfARI leads to whatever the ARI names; false for what is none.
func linkOfARI(s string) (Link, bool) {
	a, err := autoscaling.ParseARI(s)
	if err != nil {
		return Link{}, false
	}
	group, id, _ := strings.Cut(a.Path, "/")
	l := Link{Kind: a.Kind, ARI: s}
	switch a.Kind {
	case autoscaling.KindConfiguration:
		l.Name = autoscaling.ConfigurationResource(a.Namespace, a.Path)
	case autoscaling.KindGroup:
		l.Name = autoscaling.GroupResource(a.Namespace, a.Path)
	case autoscaling.KindRule:
		l.Name = autoscaling.RuleResource(a.Namespace, group, id)
	case autoscaling.KindAlarmTask:
		l.Name = autoscaling.AlarmTaskResource(a.Namespace, group, id)
	case autoscaling.KindScheduledTask:
		l.Name = autoscaling.ScheduledTaskResource(a.Namespace, group, id)
	case autoscaling.KindInstance:
		l.Name = autoscaling.InstanceResource(a.Namespace, group, autoscaling.InstanceID(id))
	default:
		return Link{}, false
	}
	return l, true
}

// idOf is the last part of the link's name.
func (l Link) idOf() string { return l.Name[strings.LastIndexByte(l.Name, '/')+1:] }
