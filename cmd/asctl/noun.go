package main

import "github.com/spf13/cobra"

// newNoun is the command of a kind with the verbs that it has.
func newNoun(a *app, k *kind) *cobra.Command {
	noun := newBranch(k.noun, k.short)
	noun.Aliases = []string{k.noun + "s"}
	if k == activities {
		noun.Aliases = []string{"activities"}
	}
	if k.create != nil {
		noun.AddCommand(newCreate(a, k, nil))
	}
	noun.AddCommand(newGet(a, k, nil), newList(a, k, nil))
	if k.describe != nil {
		noun.AddCommand(newDescribe(a, k, nil))
	}
	if k.update != nil {
		noun.AddCommand(newUpdate(a, k, nil))
	}
	if k.remove != nil {
		noun.AddCommand(newDeleteOne(a, k, nil))
	}
	noun.AddCommand(ownVerbs(a, k)...)
	return noun
}

// ownVerbs are the verbs that only one kind has.
func ownVerbs(a *app, k *kind) []*cobra.Command {
	switch k {
	case configurations:
		return []*cobra.Command{newConfigurationVersions(a, nil)}
	case groups:
		return []*cobra.Command{
			newGroupSetDesired(a, nil), newGroupAdjust(a, nil),
			newGroupPause(a, nil), newGroupResume(a, nil),
			newGroupSuspend(a, nil), newGroupResumeProcesses(a, nil),
			newGroupRebalance(a, nil),
		}
	case rules:
		return []*cobra.Command{newRuleExecute(a, nil)}
	case alarmTasks:
		return []*cobra.Command{newAlarmTaskEnable(a, nil), newAlarmTaskDisable(a, nil)}
	case instances:
		return []*cobra.Command{
			newInstanceAttach(a, nil), newInstanceDetach(a, nil), newInstanceRemove(a, nil), newInstanceReleased(a, nil),
			newInstanceEnterStandby(a, nil), newInstanceExitStandby(a, nil),
			newInstanceProtect(a, nil), newInstanceUnprotect(a, nil), newInstanceSetHealth(a, nil),
		}
	case hooks:
		return []*cobra.Command{newHookPending(a, nil), newHookComplete(a, nil), newHookHeartbeat(a, nil)}
	case notifications:
		return []*cobra.Command{newNotificationTest(a, nil)}
	case notificationTargets:
		return []*cobra.Command{
			newNotificationTest(a, nil), newNotificationTargetRotateSecret(a, nil),
			newNotificationTargetDeliveries(a, nil), newNotificationTargetDeadLetters(a, nil), newNotificationTargetRedeliver(a, nil),
		}
	}
	return nil
}
