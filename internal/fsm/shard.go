package fsm

import (
	"encoding/binary"
	"math"

	"github.com/asctl/as/internal/autoscaling"
)

// shard is a group with everything that belongs to it. Copying the struct is
// what copy-on-write costs per group and batch: the tables are copied on their
// own first write.
type shard struct {
	owner  *epoch
	record *autoscaling.Group
	counts Counts

	rules         []*autoscaling.Rule
	alarms        []*autoscaling.AlarmTask
	tasks         []*autoscaling.ScheduledTask
	hooks         []*autoscaling.LifecycleHook
	notifications []*autoscaling.Notification
	live          table[autoscaling.InstanceID, *autoscaling.Instance]
	final         table[autoscaling.InstanceID, *autoscaling.Instance]
	finalOrder    table[string, *autoscaling.Instance] // newest end first
	activities    table[autoscaling.ActivityID, *autoscaling.Activity]
	running       table[autoscaling.ActivityID, *autoscaling.Activity]
}

func ruleID(r *autoscaling.Rule) string          { return r.ID }
func alarmID(t *autoscaling.AlarmTask) string    { return t.ID }
func taskID(t *autoscaling.ScheduledTask) string { return t.ID }

// finalKey sorts by the end, newest first, then by id.
func finalKey(i *autoscaling.Instance) string {
	key := make([]byte, 8, 8+len(i.ID))
	binary.BigEndian.PutUint64(key, math.MaxInt64-uint64(i.EndTime))
	return string(append(key, i.ID...))
}

func (s *shard) instance(id autoscaling.InstanceID) *autoscaling.Instance {
	if i, ok := s.live.get(id); ok {
		return i
	}
	i, _ := s.final.get(id)
	return i
}

// putInstance answers what was there before.
func (s *shard) putInstance(next *autoscaling.Instance) (prev *autoscaling.Instance) {
	if next.State.Final() {
		prev, _ = s.final.set(s.owner, next.ID, next)
		if prev != nil {
			s.finalOrder.delete(s.owner, finalKey(prev))
		} else if prev, _ = s.live.get(next.ID); prev != nil {
			s.live.delete(s.owner, next.ID)
		}
		s.finalOrder.set(s.owner, finalKey(next), next)
	} else {
		prev, _ = s.live.set(s.owner, next.ID, next)
		if prev == nil && s.final.len() > 0 {
			if prev, _ = s.final.get(next.ID); prev != nil {
				s.removeFinal(prev)
			}
		}
	}
	if prev != nil {
		s.counts.add(prev, -1)
	}
	s.counts.add(next, 1)
	return prev
}

func (s *shard) removeInstance(i *autoscaling.Instance) {
	if i.State.Final() {
		s.removeFinal(i)
	} else {
		s.live.delete(s.owner, i.ID)
	}
	s.counts.add(i, -1)
}

func (s *shard) removeFinal(i *autoscaling.Instance) {
	s.final.delete(s.owner, i.ID)
	s.finalOrder.delete(s.owner, finalKey(i))
}

// putActivity answers what was there before.
func (s *shard) putActivity(next *autoscaling.Activity) (prev *autoscaling.Activity) {
	prev, _ = s.activities.set(s.owner, next.ID, next)
	if next.Status == autoscaling.ActivityInProgress {
		s.running.set(s.owner, next.ID, next)
	} else if prev != nil && prev.Status == autoscaling.ActivityInProgress {
		s.running.delete(s.owner, next.ID)
	}
	return prev
}

func (s *shard) removeActivity(id autoscaling.ActivityID) {
	s.activities.delete(s.owner, id)
	s.running.delete(s.owner, id)
}
