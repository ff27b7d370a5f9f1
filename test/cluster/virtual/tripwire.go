package virtual

import (
	"sync"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/clustertest"
)

// Tripwire strikes a node at one exact moment: when it has applied an event and
// done nothing after it, or when a call of its had its effect outside and it has
// not heard of that. From that moment nothing leaves the node and nothing
// reaches it.
type Tripwire struct {
	node    string
	event   func(*autoscaling.Event) bool
	effect  func(Call) bool
	strike  func()
	Tripped chan struct{} // closed when it strikes

	mu   sync.Mutex
	read uint64 // index of the last event looked at
	once sync.Once
}

// OnEvent strikes the member after the first event of which match says yes and
// that is committed from now on.
func (w *World) OnEvent(m *clustertest.Member, match func(*autoscaling.Event) bool, strike func()) *Tripwire {
	return w.arm(&Tripwire{node: m.ID, event: match, strike: strike, read: m.View().LastEvent()})
}

// OnEffect strikes the member after its first call of which match says yes has
// had its effect, before the answer reaches it.
func (w *World) OnEffect(m *clustertest.Member, match func(Call) bool, strike func()) *Tripwire {
	return w.arm(&Tripwire{node: m.ID, effect: match, strike: strike})
}

func (w *World) arm(t *Tripwire) *Tripwire {
	t.Tripped = make(chan struct{})
	w.wire.Store(t)
	return t
}

// Disarm takes the wire away; it answers whether it was tripped.
func (w *World) Disarm() bool {
	t := w.wire.Swap(nil)
	select {
	case <-t.Tripped:
		return true
	default:
		return false
	}
}

// Cutting is a strike that takes a node off the network, where it stands: for a
// kill or a partition. Its calls to the outside are held.
func (w *World) Cutting(m *clustertest.Member) func() {
	r := w.run(m)
	return func() {
		r.gate.hold()
		w.Partition(m)
	}
}

// trip looks at what the node has applied since the last look.
func (r *run) trip() {
	t := r.w.wire.Load()
	if t == nil || t.node != r.node || t.event == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	view := r.state.View()
	for e := range view.Events(t.read) {
		t.read = e.Index
		if t.event(e) {
			t.hit()
			return
		}
	}
}

func (r *run) tripAfter(c Call) {
	t := r.w.wire.Load()
	if t == nil || t.node != r.node || t.effect == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.effect(c) {
		t.hit()
	}
}

func (t *Tripwire) hit() {
	t.once.Do(func() {
		t.strike()
		close(t.Tripped)
	})
}
