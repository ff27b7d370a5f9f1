package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
)

// SetKind tells access lists from balancer pools.
type SetKind uint8

const (
	List SetKind = iota + 1
	Pool
)

// SetKey names something that is written as a whole: one write at a time.
type SetKey struct {
	Kind     SetKind
	Provider string
	Name     string // of the list or pool
}

func compareSetKeys(a, b SetKey) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Provider, b.Provider), strings.Compare(a.Name, b.Name))
}

// Share is one group's part of a list or pool. The whole is the shares of all
// groups together.
type Share struct {
	Key     SetKey
	Group   autoscaling.UID
	Entries []providers.Entry  // of a list
	Targets []providers.Target // of a pool
	// Adding wait until the set has them, Removing until it no longer has them:
	// a write of this share is a fact about these, and about no others.
	Adding   []autoscaling.InstanceID
	Removing []autoscaling.InstanceID
	// Draining wait until they have no open request, Checking until they are healthy.
	Draining []autoscaling.InstanceID
	Checking []autoscaling.InstanceID
}

// Waiting says whether a fact depends on the set's being written.
func (s *Share) Waiting() bool { return len(s.Adding)+len(s.Removing) > 0 }

// SameMembers says whether both want the same to be written.
func (s *Share) SameMembers(other *Share) bool {
	return slices.Equal(s.Entries, other.Entries) && slices.Equal(s.Targets, other.Targets)
}

// shares gathers a group's parts, by list and pool.
type shares struct {
	group autoscaling.UID
	byKey map[SetKey]*Share
	last  *Share // of most groups there are one or two
}

func (s *shares) share(key SetKey) *Share {
	if s.last != nil && s.last.Key == key {
		return s.last
	}
	sh := s.byKey[key]
	if sh == nil {
		if s.byKey == nil {
			s.byKey = map[SetKey]*Share{}
		}
		sh = &Share{Key: key, Group: s.group}
		s.byKey[key] = sh
	}
	s.last = sh
	return sh
}

func (s *shares) add(i *autoscaling.Instance) {
	for n := range i.AccessLists {
		l := &i.AccessLists[n]
		switch l.State {
		case autoscaling.AttachmentAdding, autoscaling.AttachmentActive:
			s.list(i, l)
		case autoscaling.AttachmentRemoving:
			sh := s.share(SetKey{List, l.Provider, l.List})
			sh.Removing = append(sh.Removing, i.ID)
		}
	}
	for n := range i.Balancers {
		b := &i.Balancers[n]
		switch b.State {
		case autoscaling.AttachmentAdding, autoscaling.AttachmentActive, autoscaling.AttachmentDraining:
			s.pool(i, b)
		case autoscaling.AttachmentRemoving:
			sh := s.share(SetKey{Pool, b.Provider, b.Pool})
			sh.Removing = append(sh.Removing, i.ID)
		}
	}
}

func (s *shares) list(i *autoscaling.Instance, l *autoscaling.AccessListAttachment) {
	if len(i.Addresses) == 0 {
		return
	}
	sh := s.share(SetKey{List, l.Provider, l.List})
	for _, address := range i.Addresses {
		sh.Entries = append(sh.Entries, providers.Entry{Address: address, Instance: string(i.ID)})
	}
	if l.State == autoscaling.AttachmentAdding {
		sh.Adding = append(sh.Adding, i.ID)
	}
}

func (s *shares) pool(i *autoscaling.Instance, b *autoscaling.BalancerAttachment) {
	if len(i.Addresses) == 0 {
		return
	}
	sh := s.share(SetKey{Pool, b.Provider, b.Pool})
	sh.Targets = append(sh.Targets, providers.Target{
		Instance: string(i.ID), Address: i.Addresses[0], Port: b.Port, Weight: b.Weight,
		Drain: b.State == autoscaling.AttachmentDraining,
	})
	switch {
	case b.State == autoscaling.AttachmentAdding:
		sh.Adding = append(sh.Adding, i.ID)
	case b.State == autoscaling.AttachmentDraining:
		sh.Draining = append(sh.Draining, i.ID)
	case i.Step == autoscaling.StepCheck && !b.Healthy:
		sh.Checking = append(sh.Checking, i.ID)
	}
}

// Shares are a group's parts of lists and pools. A new leader reads those of all
// groups before it writes any list or pool: a set of some groups' parts would
// shut out the others.
func Shares(r fsm.Reader, group autoscaling.UID) []Share {
	s := shares{group: group}
	for i := range r.Instances(group) {
		s.add(i)
	}
	return s.all()
}

// all is the shares in a fixed order.
func (s *shares) all() []Share {
	all := make([]Share, 0, len(s.byKey))
	for _, sh := range s.byKey {
		all = append(all, *sh)
	}
	slices.SortFunc(all, func(a, b Share) int { return compareSetKeys(a.Key, b.Key) })
	return all
}
