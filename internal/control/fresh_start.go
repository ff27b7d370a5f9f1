package control

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// freshStart forgets the failed launches of a group: what they were made from has
// changed, so that they say nothing of the next. g is the caller's copy.
func freshStart(tx *fsm.Tx, g *autoscaling.Group) {
	g.LaunchFailures, g.LastLaunchError, g.Backoffs = 0, "", nil
	g.RebalanceTime = 0
	clearCondition(tx, g, autoscaling.ConditionLaunchSuspended)
}

// freshStarts is freshStart for the groups that launch from a configuration's
// latest version.
func freshStarts(tx *fsm.Tx, configuration autoscaling.UID) {
	for g := range tx.GroupsUsing(configuration) {
		if ref := g.Configuration; ref.Version != 0 || ref.UseDefault || (g.LaunchFailures == 0 && len(g.Backoffs) == 0) {
			continue
		}
		c := *g
		freshStart(tx, &c)
		putGroup(tx, &c)
	}
}
