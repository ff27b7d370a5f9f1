package fsm

import (
	"slices"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

func TestLiveGroupsAreThoseWithInstancesThatAreNotFinal(t *testing.T) {
	l := newLeader(t)
	l.do(func(tx *Tx) {
		for id, states := range map[string][]autoscaling.InstanceState{
			"empty":  nil,
			"over":   {autoscaling.Initial, autoscaling.Terminated},
			"living": {autoscaling.Initial},
		} {
			g := &autoscaling.Group{Meta: autoscaling.Meta{UID: tx.NewUID(), Namespace: "default", ID: id}}
			g.State = autoscaling.GroupActive
			tx.PutGroup(g)
			instance := tx.NewInstanceID()
			for _, s := range states {
				tx.PutInstance(&autoscaling.Instance{ID: instance, Group: g.UID, State: s})
			}
		}
	})
	var found []string
	for g := range l.m.View().LiveGroups() {
		found = append(found, g.ID)
	}
	if !slices.Equal(found, []string{"living"}) {
		t.Errorf("live groups are %v", found)
	}
}
