package control

import (
	"slices"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// FitDue says whether instances in service may lack what the group says now.
func FitDue(g *autoscaling.Group) bool {
	return g.Fitted != g.Generation && (g.State == autoscaling.GroupActive || g.State == autoscaling.GroupPaused)
}

// FitAttachments puts the instances in service behind the balancers and into the
// access lists that the group has now, and drains or revokes them where it no
// longer has them. Those on standby stay in the group's access lists, and are put
// behind its balancers when they come back. Those on their way are fitted when
// they arrive.
func (o Operations) FitAttachments(tx *fsm.Tx, group autoscaling.UID) error {
	g := tx.Group(group)
	if g == nil || !FitDue(g) {
		return nil
	}
	for _, i := range slices.Collect(tx.Instances(group)) { // it is changed meanwhile
		c := *i
		switch {
		case i.State == autoscaling.InService && fit(tx, g, &c):
			put(tx, &c)
		case i.State == autoscaling.Standby && fitLists(g, &c):
			put(tx, &c)
		}
	}
	c := *g
	c.Fitted = g.Generation
	tx.PutGroup(&c)
	return nil
}

// fit makes an instance's attachments what the group says; it answers whether
// they differed.
func fit(tx *fsm.Tx, g *autoscaling.Group, c *autoscaling.Instance) bool {
	balancers := fitBalancers(wantedBalancers(tx, g, c), g, c)
	lists := fitLists(g, c)
	if !balancers && !lists {
		return false
	}
	if until := drainUntil(tx, c); until != 0 {
		c.Deadline = until
	}
	return true
}

// wantedBalancers are the group's, with the ports that they mean for the instance.
func wantedBalancers(tx *fsm.Tx, g *autoscaling.Group, c *autoscaling.Instance) []autoscaling.BalancerRef {
	v := tx.ConfigurationVersion(c.Configuration, c.Version)
	if v == nil { // attached: the port is the one that it came with, or what a launch would have now
		v, _ = resolve(tx.Reader, g)
	}
	wanted := slices.Clone(g.Balancers)
	for n, b := range wanted {
		at := slices.IndexFunc(c.Balancers, func(a autoscaling.BalancerAttachment) bool { return a.Provider == b.Provider && a.Pool == b.Pool })
		switch {
		case b.Port == 0 && c.Origin == autoscaling.OriginAttached && at >= 0:
			wanted[n].Port = c.Balancers[at].Port
		case v != nil:
			wanted[n].Port = targetPort(b, v)
		}
	}
	return wanted
}

func fitBalancers(wanted []autoscaling.BalancerRef, g *autoscaling.Group, c *autoscaling.Instance) bool {
	if suspends(g, autoscaling.ProcessLoadBalancer) {
		// Who comes back now is not registered when that ends, like who is launched now.
		left := anyBalancer(c, autoscaling.AttachmentRemoved)
		setBalancers(c, autoscaling.AttachmentPending, autoscaling.AttachmentRemoved)
		return left
	}
	next := make([]autoscaling.BalancerAttachment, 0, len(wanted))
	for _, b := range c.Balancers {
		at := slices.IndexFunc(wanted, func(r autoscaling.BalancerRef) bool {
			return r.Provider == b.Provider && r.Pool == b.Pool && r.Port == b.Port
		})
		switch {
		case at >= 0:
			b.Weight, b.DrainTimeout = wanted[at].Weight, wanted[at].DrainTimeout
			if b.State == autoscaling.AttachmentDraining || b.State == autoscaling.AttachmentRemoving || b.State == autoscaling.AttachmentRemoved {
				b.State, b.Checked, b.Healthy = autoscaling.AttachmentAdding, false, false
			}
		case b.State == autoscaling.AttachmentAdding || b.State == autoscaling.AttachmentActive:
			b.State = autoscaling.AttachmentDraining
		case b.State == autoscaling.AttachmentPending || b.State == autoscaling.AttachmentRemoved:
			continue
		}
		next = append(next, b)
	}
	for _, r := range wanted {
		if !slices.ContainsFunc(next, func(b autoscaling.BalancerAttachment) bool {
			return r.Provider == b.Provider && r.Pool == b.Pool && r.Port == b.Port
		}) {
			next = append(next, autoscaling.BalancerAttachment{
				Provider: r.Provider, Pool: r.Pool, Port: r.Port, Weight: r.Weight, DrainTimeout: r.DrainTimeout,
				State: autoscaling.AttachmentAdding,
			})
		}
	}
	if slices.Equal(next, c.Balancers) {
		return false
	}
	c.Balancers = next
	return true
}

func fitLists(g *autoscaling.Group, c *autoscaling.Instance) bool {
	next := make([]autoscaling.AccessListAttachment, 0, len(g.AccessLists))
	for _, l := range c.AccessLists {
		wanted := slices.Contains(g.AccessLists, autoscaling.AccessListRef{Provider: l.Provider, List: l.List})
		switch {
		case wanted && l.State != autoscaling.AttachmentActive:
			l.State = autoscaling.AttachmentAdding
		case wanted:
		case l.State == autoscaling.AttachmentAdding || l.State == autoscaling.AttachmentActive:
			l.State = autoscaling.AttachmentRemoving
		case l.State == autoscaling.AttachmentPending || l.State == autoscaling.AttachmentRemoved:
			continue
		}
		next = append(next, l)
	}
	for _, r := range g.AccessLists {
		if !slices.ContainsFunc(next, func(l autoscaling.AccessListAttachment) bool { return l.Provider == r.Provider && l.List == r.List }) {
			next = append(next, autoscaling.AccessListAttachment{Provider: r.Provider, List: r.List, State: autoscaling.AttachmentAdding})
		}
	}
	if slices.Equal(next, c.AccessLists) {
		return false
	}
	c.AccessLists = next
	return true
}

// drainUntil is when the longest drain of an instance in service ends.
func drainUntil(tx *fsm.Tx, c *autoscaling.Instance) autoscaling.Time {
	until := autoscaling.Time(0)
	for _, b := range c.Balancers {
		if b.State == autoscaling.AttachmentDraining {
			until = max(until, tx.Now().Add(drainTimeout(b)))
		}
	}
	return until
}

// forgetRemoved drops the attachments that an instance in service, or on standby,
// is rid of. The balancers of one on standby are those that it comes back to.
func forgetRemoved(c *autoscaling.Instance) {
	if c.State != autoscaling.InService && c.State != autoscaling.Standby {
		return
	}
	if c.State == autoscaling.InService && anyBalancer(c, autoscaling.AttachmentRemoved) {
		c.Balancers = slices.DeleteFunc(slices.Clone(c.Balancers), func(b autoscaling.BalancerAttachment) bool {
			return b.State == autoscaling.AttachmentRemoved
		})
	}
	if anyList(c, autoscaling.AttachmentRemoved) {
		c.AccessLists = slices.DeleteFunc(slices.Clone(c.AccessLists), func(l autoscaling.AccessListAttachment) bool {
			return l.State == autoscaling.AttachmentRemoved
		})
	}
	if !anyBalancer(c, autoscaling.AttachmentDraining) {
		c.Deadline = 0
	}
}
