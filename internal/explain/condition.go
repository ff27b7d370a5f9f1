package explain

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// conditionWords is what a condition means to who reads of it.
type conditionWords struct {
	severity Severity
	next     string
	command  string // the words behind asctl; GROUP stands for the group's id
}

// wordsOf are a condition's, by its type and reason.
func wordsOf(r fsm.Reader, g *autoscaling.Group, c autoscaling.Condition) conditionWords {
	switch c.Type {
	case autoscaling.ConditionAboveDesired:
		if c.Reason == "TERMINATE_SUSPENDED" {
			return conditionWords{Error, "nobody leaves before the process TERMINATE is resumed", "group resume-processes GROUP TERMINATE"}
		}
		return conditionWords{Warning, "they leave as soon as their protection ends", "instance unprotect GROUP/" + firstProtected(r, g)}
	case autoscaling.ConditionBelowDesired:
		return belowWords(c.Reason)
	case autoscaling.ConditionDegraded:
		return conditionWords{Error, "the service failed at its own work; it tries again after 30 s, and another leader would at once", "cluster transfer-leadership"}
	case autoscaling.ConditionDependencyMissing:
		return conditionWords{Error, "it is looked for every minute; what needs it goes on when it is there", "group update GROUP --balancer PROVIDER/POOL --access-list PROVIDER/LIST"}
	case autoscaling.ConditionDeletionWaiting:
		return conditionWords{Warning, "each wait ends when its hook is completed, or at its deadline", "group delete GROUP --force --skip-hooks"}
	case autoscaling.ConditionHealthStorm:
		return conditionWords{Warning, "replacement goes on when enough of the checks say yes again", "group update GROUP --storm-threshold 100"}
	case autoscaling.ConditionInstanceOverdue:
		return conditionWords{Error, "what is late is tried on", "explain instance GROUP/INSTANCE"}
	case autoscaling.ConditionLaunchSuspended:
		return conditionWords{Warning, "one launch at a time is tried; the first that works ends this", "group update GROUP --configuration CONFIGURATION@VERSION"}
	case autoscaling.ConditionNoConfiguration:
		return conditionWords{Error, "nothing is launched before it has one", "group update GROUP --configuration CONFIGURATION"}
	case autoscaling.ConditionNoScaleIn:
		return conditionWords{Notice, "the group grows and never shrinks by itself", "rule create GROUP/RULE"}
	case autoscaling.ConditionProviderDown:
		return conditionWords{
			Warning, "it is asked again every moment; launches and removals go on when it answers. " +
				"If its machines are lost for good, say so: their instances are replaced", "provider forget-machines COMPUTE",
		}
	case autoscaling.ConditionWaitingForRemoval:
		return conditionWords{Warning, "launches go on when those are confirmed gone", ""}
	case autoscaling.ConditionZoneImbalance:
		return conditionWords{Warning, "instances are moved when a zone with too few takes launches again", "group rebalance GROUP"}
	}
	return conditionWords{severity: Warning}
}

func belowWords(reason string) conditionWords {
	switch reason {
	case "LAUNCH_SUSPENDED_BY_REQUEST":
		return conditionWords{Error, "nothing is launched before the process LAUNCH is resumed", "group resume-processes GROUP LAUNCH"}
	case "TOO_HEAVY":
		return conditionWords{Error, "nothing is launched before there is room for one, or a lighter type", "group update GROUP --max MAX"}
	case "PROVIDER_UNREACHABLE":
		return conditionWords{Warning, "launches go on when the provider answers", ""}
	case "CRASH_LOOP":
		return conditionWords{Warning, "launches go on after a pause, which grows while their machines end at once", "group update GROUP --configuration CONFIGURATION@VERSION"}
	}
	return conditionWords{Warning, "launches go on after a pause, which grows while they fail", "group update GROUP --configuration CONFIGURATION@VERSION"}
}

func firstProtected(r fsm.Reader, g *autoscaling.Group) string {
	for i := range r.Instances(g.UID) {
		if i.Protected && i.State == autoscaling.InService {
			return string(i.ID)
		}
	}
	return "INSTANCE"
}
