package control

import (
	"iter"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// How many of a kind there may be.
const (
	MaxConfigurations = 10_000 // per namespace
	MaxVersions       = 1_000  // per configuration
	MaxGroups         = 100_000
	MaxChildren       = 1_000 // rules, alarms and scheduled tasks per group, each
	MaxNamed          = 1_000 // instances named in one request
)

// checkEtag refuses a change of another revision than the caller has seen.
func checkEtag(resource, want string, m *autoscaling.Meta) error {
	if want == "" || want == m.Etag() {
		return nil
	}
	err := autoscaling.Errorf(autoscaling.EtagMismatch, "%s has changed: its etag is %q, not %q", resource, m.Etag(), want)
	err.Resource = resource
	return err
}

func alreadyExists(resource string) error {
	err := autoscaling.Errorf(autoscaling.AlreadyExists, "%s exists", resource)
	err.Resource = resource
	return err
}

// changeableGroup is a group that may be changed, children included.
func changeableGroup(tx *fsm.Tx, name GroupName) (*autoscaling.Group, error) {
	g, err := FindGroup(tx.Reader, name)
	if err != nil {
		return nil, err
	}
	return g, checkChangeable(g)
}

func checkChangeable(g *autoscaling.Group) error {
	if g.State != autoscaling.GroupDeleting {
		return nil
	}
	err := autoscaling.Errorf(autoscaling.GroupIsDeleting, "group %s is being deleted", g.ID)
	err.Resource = groupResource(g)
	return err
}

func groupResource(g *autoscaling.Group) string { return autoscaling.GroupResource(g.Namespace, g.ID) }

// checkLimit refuses one more of those there are.
func checkLimit[T any](what string, there iter.Seq[T], most int) error {
	n := 0
	for range there {
		if n++; n >= most {
			return autoscaling.Errorf(autoscaling.LimitExceeded, "there are %d %s, as many as there may be", most, what)
		}
	}
	return nil
}

// newMeta is the meta data of a resource that is made now.
func newMeta(tx *fsm.Tx, namespace string, m NewMeta) autoscaling.Meta {
	return autoscaling.Meta{
		Namespace: namespace, ID: m.ID, Labels: m.Labels, ExternalNames: m.ExternalNames,
		CreateTime: tx.Now(), UpdateTime: tx.Now(), Revision: 1,
	}
}

// touch counts a change that a user can see.
func touch(tx *fsm.Tx, m *autoscaling.Meta) {
	m.Revision++
	m.UpdateTime = tx.Now()
}

// fixedMeta keeps a change by a caller from what is not the caller's.
func fixedMeta(was, changed autoscaling.Meta) autoscaling.Meta {
	was.Labels, was.ExternalNames = changed.Labels, changed.ExternalNames
	return was
}

// clusterName is part of every ARI.
func clusterName(r fsm.Reader) string {
	if c := r.Cluster(); c != nil {
		return c.Name
	}
	return ""
}
