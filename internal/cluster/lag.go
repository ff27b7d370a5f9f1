package cluster

import (
	"sync"
	"time"
)

const (
	// farBehind is how many entries a healthy node may be behind, and tooLate for
	// how long something may be committed that it has not applied.
	farBehind = 1000
	tooLate   = 5 * time.Second
	// lagSamples is how many commit indexes are remembered, one a second: a lag
	// of more than that many seconds counts as that long.
	lagSamples = 60
)

// lag tells how long ago the cluster committed what a node has not applied.
type lag struct {
	mu      sync.Mutex
	samples []commitSample // by time
}

// commitSample is that the index was committed at the time.
type commitSample struct {
	at    time.Time
	index uint64
}

// note remembers the commit index of now.
func (l *lag) note(now time.Time, commit uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.samples); n > 0 && l.samples[n-1].index >= commit {
		return // the older sample says more
	}
	if len(l.samples) == lagSamples {
		l.samples = append(l.samples[:0], l.samples[1:]...)
	}
	l.samples = append(l.samples, commitSample{now, commit})
}

// behind returns for how long something has been committed that a node has not
// applied whose newest applied entry is the given one.
func (l *lag) behind(now time.Time, applied uint64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.samples {
		if s.index > applied {
			return now.Sub(s.at)
		}
	}
	return 0
}
