package control

import (
	"slices"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/fsm"
)

// How long, and how many, are kept.
const (
	RetainRequests    = 24 * time.Hour
	RetainActivities  = 42 * 24 * time.Hour
	RetainInstances   = 7 * 24 * time.Hour
	MaxActivities     = 10_000 // per group
	MaxFinalInstances = 1_000  // per group
)

// SweepRequests forgets requests that are too old, at most limit; it answers how
// many. That they are not too many the state sees to.
func (o Operations) SweepRequests(tx *fsm.Tx, limit int) int {
	var gone []*autoscaling.Request
	for r := range tx.Requests() {
		if len(gone) >= limit || r.Time.Add(RetainRequests) > tx.Now() {
			break // they are in the order of their times
		}
		gone = append(gone, r)
	}
	for _, r := range gone {
		tx.DeleteRequest(r.Namespace, r.ID)
	}
	return len(gone)
}

// SweepGroup forgets ended activities and final instances of a group that are
// too old or too many, and a DELETED group itself when nothing is left of it; at
// most limit records. It answers how many. To be called after an activity of the
// group ended, and for every group, deleted ones too, once an hour.
func (o Operations) SweepGroup(tx *fsm.Tx, group autoscaling.UID, limit int) int {
	g := tx.Group(group)
	if g == nil {
		return 0
	}
	instances, instancesLeft := expiredInstances(tx, group, limit)
	for _, id := range instances {
		tx.DeleteInstance(group, id)
	}
	activities, activitiesLeft := expiredActivities(tx, group, limit-len(instances))
	for _, id := range activities {
		tx.DeleteActivity(id)
	}
	swept := len(instances) + len(activities)
	if g.State == autoscaling.GroupDeleted && !instancesLeft && !activitiesLeft && tx.Now() >= g.DeleteTime.Add(RetainActivities) {
		tx.DeleteGroup(group)
		swept++
	}
	return swept
}

// expiredInstances are final ones to forget; left says whether others stay.
func expiredInstances(tx *fsm.Tx, group autoscaling.UID, limit int) (gone []autoscaling.InstanceID, left bool) {
	n := 0
	for i := range tx.FinalInstances(group) {
		n++
		expired := n > MaxFinalInstances || tx.Now() >= i.EndTime.Add(RetainInstances)
		if !expired || len(gone) >= limit {
			left = true
			continue
		}
		gone = append(gone, i.ID)
	}
	return gone, left || tx.Counts(group).Live > 0
}

// expiredActivities are ended ones to forget; left says whether others stay.
func expiredActivities(tx *fsm.Tx, group autoscaling.UID, limit int) (gone []autoscaling.ActivityID, left bool) {
	n := 0
	for a := range tx.Activities(group) {
		n++
		ended := a.Status != autoscaling.ActivityInProgress
		expired := n > MaxActivities || tx.Now() >= max(a.EndTime, a.LastTime).Add(RetainActivities)
		if !ended || !expired || len(gone) >= limit {
			left = true
			continue
		}
		gone = append(gone, a.ID)
	}
	return gone, left
}

// SweepTarget forgets what a notification target needs no more: dead letters
// that are too old, at most limit, and secrets that have expired. It answers how
// many letters. That they are not too many the state sees to.
func (o Operations) SweepTarget(tx *fsm.Tx, target autoscaling.UID, limit int) int {
	t := tx.NotificationTarget(target)
	if t == nil {
		return 0
	}
	forgetSecrets(tx, t)
	var gone []uint64
	for d := range tx.DeadLetters(target) {
		if len(gone) >= limit {
			break
		}
		if tx.Now() >= d.EndTime.Add(autoscaling.DeadLetterRetention) {
			gone = append(gone, d.ID)
		}
	}
	for _, id := range gone {
		tx.DeleteDelivery(target, id)
	}
	return len(gone)
}

func forgetSecrets(tx *fsm.Tx, t *autoscaling.NotificationTarget) {
	expired := func(s autoscaling.WebhookSecret) bool { return s.ExpireTime != 0 && tx.Now() >= s.ExpireTime }
	if t.Webhook == nil || !slices.ContainsFunc(t.Webhook.Secrets, expired) {
		return
	}
	c, w := *t, *t.Webhook
	w.Secrets = slices.DeleteFunc(slices.Clone(w.Secrets), expired)
	c.Webhook = &w
	tx.PutNotificationTarget(&c)
}
