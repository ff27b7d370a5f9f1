package fsm

import "github.com/asctl/as/internal/autoscaling"

// locator knows the group of every instance. Instances are many and are looked
// up here rarely, so it is kept small and quick to fill: by a number made of the
// id. Of ids with the same number all but one are kept apart by themselves.
type locator struct {
	groups table[uint64, autoscaling.UID]
	others table[autoscaling.InstanceID, autoscaling.UID]
}

// number is the id's hexadecimal digits, which are random; of more than 64 bits
// the last ones. Letters beyond them count, too: tests like readable ids.
func number(id autoscaling.InstanceID) uint64 {
	n := uint64(0)
	for i := 0; i < len(id); i++ {
		digit := id[i] - '0'
		if digit > 9 {
			digit = id[i] - 'a' + 10
		}
		n = n<<4 ^ uint64(digit)
	}
	return n
}

// add is for an id that is not there.
func (l *locator) add(e *epoch, id autoscaling.InstanceID, group autoscaling.UID) {
	key := number(id)
	if other, taken := l.groups.set(e, key, group); taken {
		l.groups.set(e, key, other)
		l.others.set(e, id, group)
	}
}

func (l *locator) remove(e *epoch, id autoscaling.InstanceID) {
	if l.others.len() > 0 {
		if _, ok := l.others.get(id); ok {
			l.others.delete(e, id)
			return
		}
	}
	l.groups.delete(e, number(id))
}

// find looks for the instance where it may be.
func (st *state) findInstance(id autoscaling.InstanceID) *autoscaling.Instance {
	if group, ok := st.instances.groups.get(number(id)); ok {
		if i := st.shard(group).instance(id); i != nil {
			return i
		}
	}
	if group, ok := st.instances.others.get(id); ok {
		return st.shard(group).instance(id)
	}
	return nil
}
