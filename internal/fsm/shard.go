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

	rules      []*autoscaling.Rule
	alarms     []*autoscaling.AlarmTask
	tasks      []*autoscaling.ScheduledTask
	live       table[autoscaling.InstanceID, *autoscaling.Instance]
	final      table[autoscaling.InstanceID, *autoscaling.Instance]
	finalOrder table[string, *autoscaling.Instance] // newest end first
	activities table[autoscaling.ActivityID, *autoscaling.Activity]
	running    table[autoscaling.ActivityID, *autoscaling.Activity]
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

// replaceInstance puts next in the place of prev; either may be nil.
func (s *shard) replaceInstance(prev, next *autoscaling.Instance) {
	if prev != nil {
		s.counts.add(prev, -1)
		switch {
		case prev.State.Final():
			s.finalOrder.delete(s.owner, finalKey(prev))
			if next == nil || !next.State.Final() {
				s.final.delete(s.owner, prev.ID)
			}
		case next == nil || next.State.Final():
			s.live.delete(s.owner, prev.ID)
		}
	}
	if next != nil {
		s.counts.add(next, 1)
		if next.State.Final() {
			s.final.set(s.owner, next.ID, next)
			s.finalOrder.set(s.owner, finalKey(next), next)
		} else {
			s.live.set(s.owner, next.ID, next)
		}
	}
}

// replaceActivity puts next in the place of prev; either may be nil.
func (s *shard) replaceActivity(prev, next *autoscaling.Activity) {
	if next == nil {
		s.activities.delete(s.owner, prev.ID)
		s.running.delete(s.owner, prev.ID)
		return
	}
	s.activities.set(s.owner, next.ID, next)
	switch {
	case next.Status == autoscaling.ActivityInProgress:
		s.running.set(s.owner, next.ID, next)
	case prev != nil && prev.Status == autoscaling.ActivityInProgress:
		s.running.delete(s.owner, next.ID)
	}
}
