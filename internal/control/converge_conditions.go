package control

import (
	"slices"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// raise makes a condition hold on the caller's own copy of the group, and says
// so once. It answers whether the record changed.
func raise(tx *fsm.Tx, g *autoscaling.Group, t autoscaling.ConditionType, reason, message string) bool {
	at, found := slices.BinarySearchFunc(g.Conditions, t, compareCondition)
	if found && g.Conditions[at].Reason == reason && g.Conditions[at].Message == message {
		return false
	}
	c := autoscaling.Condition{Type: t, Reason: reason, Message: message, Time: tx.Now()}
	g.Conditions = slices.Clone(g.Conditions)
	if found {
		c.Time = g.Conditions[at].Time
		g.Conditions[at] = c
		return true
	}
	g.Conditions = slices.Insert(g.Conditions, at, c)
	tx.Emit(groupEvent(g, autoscaling.EventConditionRaised, string(t), message))
	return true
}

// clearCondition ends a condition. It answers whether it held.
func clearCondition(tx *fsm.Tx, g *autoscaling.Group, t autoscaling.ConditionType) bool {
	at, found := slices.BinarySearchFunc(g.Conditions, t, compareCondition)
	if !found {
		return false
	}
	g.Conditions = slices.Delete(slices.Clone(g.Conditions), at, at+1)
	tx.Emit(groupEvent(g, autoscaling.EventConditionCleared, string(t), ""))
	return true
}

func compareCondition(c autoscaling.Condition, t autoscaling.ConditionType) int {
	return strings.Compare(string(c.Type), string(t))
}

// Holds says whether the condition holds.
func Holds(g *autoscaling.Group, t autoscaling.ConditionType) bool {
	_, found := slices.BinarySearchFunc(g.Conditions, t, compareCondition)
	return found
}

func groupEvent(g *autoscaling.Group, t autoscaling.EventType, subject, message string) autoscaling.Event {
	return autoscaling.Event{Type: t, Namespace: g.Namespace, GroupID: g.ID, Group: g.UID, Subject: subject, Message: message}
}
