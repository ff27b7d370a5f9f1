package scheduler

import "github.com/asctl/as/internal/autoscaling"

// wakes is a heap of groups by when they are looked at next. A group is in it
// at most once.
type wakes []*groupState

func (w wakes) less(a, b int) bool { return w[a].wake < w[b].wake }

func (w wakes) swap(a, b int) {
	w[a], w[b] = w[b], w[a]
	w[a].place, w[b].place = a, b
}

// set moves a group to its new time; 0 takes it out.
func (w *wakes) set(g *groupState, at autoscaling.Time) {
	switch {
	case at == 0 && g.place >= 0:
		w.remove(g)
	case at == 0:
	case g.place < 0:
		g.wake, g.place = at, len(*w)
		*w = append(*w, g)
		w.up(g.place)
	default:
		g.wake = at
		w.up(g.place)
		w.down(g.place)
	}
}

func (w *wakes) remove(g *groupState) {
	at, last := g.place, len(*w)-1
	w.swap(at, last)
	*w = (*w)[:last]
	g.place, g.wake = -1, 0
	if at < last {
		w.up(at)
		w.down(at)
	}
}

// next is the group whose time comes first.
func (w wakes) next() *groupState {
	if len(w) == 0 {
		return nil
	}
	return w[0]
}

const arity = 4

func (w wakes) up(at int) {
	for at > 0 {
		parent := (at - 1) / arity
		if !w.less(at, parent) {
			return
		}
		w.swap(at, parent)
		at = parent
	}
}

func (w wakes) down(at int) {
	for {
		least := at
		for child := at*arity + 1; child <= at*arity+arity && child < len(w); child++ {
			if w.less(child, least) {
				least = child
			}
		}
		if least == at {
			return
		}
		w.swap(at, least)
		at = least
	}
}
