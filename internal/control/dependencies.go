package control

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// resolve is the version of a configuration that a group launches from. The
// error is DEPENDENCY_MISSING.
func resolve(r fsm.Reader, g *autoscaling.Group) (*autoscaling.ConfigurationVersion, *autoscaling.Error) {
	ref := g.Configuration
	if ref.ID == "" {
		return nil, missing("configuration", "group %s has no configuration", g.ID)
	}
	c := r.ConfigurationByID(g.Namespace, ref.ID)
	if c == nil {
		return nil, missing("configuration.name", "configuration %s does not exist", ref.ID)
	}
	version := ref.Version
	switch {
	case ref.UseDefault:
		version = c.Default
	case version == 0:
		version = c.Latest
	}
	v := r.ConfigurationVersion(c.UID, version)
	if v == nil {
		return nil, missing("configuration.version", "configuration %s has no version %d", ref.ID, version)
	}
	return v, nil
}

// usable resolves what a group launches from and checks that its provider takes it.
func (o Operations) usable(r fsm.Reader, g *autoscaling.Group) (*autoscaling.ConfigurationVersion, *autoscaling.Error) {
	v, problem := resolve(r, g)
	if problem != nil {
		return nil, problem
	}
	if err := o.Platform.ValidateTemplate(&v.Template); err != nil {
		return nil, missing("configuration", "configuration %s version %d: %v", g.Configuration.ID, v.Version, err)
	}
	return v, nil
}

// checkAttachments says which pool or list of a group is missing or cannot be
// used. v is what it launches from, nil when nothing yet. Pools do not matter
// while LOAD_BALANCER is suspended: nothing is registered.
func (o Operations) checkAttachments(g *autoscaling.Group, v *autoscaling.ConfigurationVersion) *autoscaling.Error {
	if !suspends(g, autoscaling.ProcessLoadBalancer) {
		for _, b := range g.Balancers {
			pool := o.Platform.Pool(b.Provider, b.Pool)
			switch {
			case pool.Problem != "":
				return missing("balancers", "pool %s of balancer %s: %s", b.Pool, b.Provider, pool.Problem)
			case !pool.HasHealthCheck && slices.Contains(g.HealthCheck.Types, autoscaling.HealthBalancer):
				return missing("balancers", "pool %s of balancer %s has no health check, which health type BALANCER needs", b.Pool, b.Provider)
			case v != nil && targetPort(b, v) == 0:
				return missing("balancers", "pool %s of balancer %s names no port, and neither does configuration %s", b.Pool, b.Provider, g.Configuration.ID)
			}
		}
	}
	for _, l := range g.AccessLists {
		if list := o.Platform.AccessList(l.Provider, l.List); list.Problem != "" {
			return missing("access_lists", "access list %s of %s: %s", l.List, l.Provider, list.Problem)
		}
	}
	return nil
}

// checkLaunchable says why the group cannot launch now: everything that a new
// instance needs is there, or none is begun.
func (o Operations) checkLaunchable(r fsm.Reader, g *autoscaling.Group) *autoscaling.Error {
	v, problem := o.usable(r, g)
	if problem != nil {
		return problem
	}
	return o.checkAttachments(g, v)
}

// targetPort is the port that requests are sent to; 0 when nobody says which.
func targetPort(b autoscaling.BalancerRef, v *autoscaling.ConfigurationVersion) int32 {
	if b.Port == 0 && len(v.Template.Ports) > 0 {
		return v.Template.Ports[0]
	}
	return b.Port
}

func missing(field, format string, args ...any) *autoscaling.Error {
	err := autoscaling.Errorf(autoscaling.DependencyMissing, format, args...)
	err.Field = field
	return err
}
