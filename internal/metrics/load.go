package metrics

import (
	"sync"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// loadKept is for how long a measurement says how busy an instance is.
const loadKept = time.Minute

// loads is how busy instances were last seen.
type loads struct {
	mu     sync.Mutex
	latest map[autoscaling.InstanceID]load
	swept  autoscaling.Time
}

type load struct {
	percent float64
	time    autoscaling.Time
}

// SetLoad remembers how busy an instance is, in percent of its CPU allotment.
func (s *Store) SetLoad(id autoscaling.InstanceID, percent float64, now autoscaling.Time) {
	l := &s.loads
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.latest == nil {
		l.latest = map[autoscaling.InstanceID]load{}
	}
	l.latest[id] = load{percent, now}
	if now >= l.swept.Add(loadKept) {
		l.swept = now
		for id, old := range l.latest {
			if now >= old.time.Add(loadKept) {
				delete(l.latest, id)
			}
		}
	}
}

// Load is how busy an instance was last seen; not known without a recent
// measurement.
func (s *Store) Load(id autoscaling.InstanceID) (percent float64, known bool) {
	l := &s.loads
	l.mu.Lock()
	defer l.mu.Unlock()
	found, ok := l.latest[id]
	if !ok || s.now() >= found.time.Add(loadKept) {
		return 0, false
	}
	return found.percent, true
}

// rewind forgets what was seen after now.
func (l *loads) rewind(now autoscaling.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.swept = min(l.swept, now)
	for id, seen := range l.latest {
		if seen.time > now {
			delete(l.latest, id)
		}
	}
}
