package cluster

import (
	"testing"
	"time"
)

func TestLagIsSinceTheOldestEntryThatIsMissing(t *testing.T) {
	start := time.Unix(1000, 0)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	var l lag
	if got := l.behind(at(0), 0); got != 0 {
		t.Errorf("nothing is committed, behind %s", got)
	}
	l.note(at(0), 10)
	for s := 1; s < 50; s++ {
		l.note(at(s), 10) // an idle cluster
	}
	l.note(at(50), 12)
	l.note(at(53), 20)
	for _, test := range []struct {
		applied uint64
		want    time.Duration
	}{
		{9, 60 * time.Second}, {10, 10 * time.Second}, {11, 10 * time.Second}, {12, 7 * time.Second}, {20, 0}, {25, 0},
	} {
		if got := l.behind(at(60), test.applied); got != test.want {
			t.Errorf("applied %d: behind %s, want %s", test.applied, got, test.want)
		}
	}
	for s := 60; s < 60+2*lagSamples; s++ {
		l.note(at(s), uint64(s))
	}
	if len(l.samples) != lagSamples {
		t.Errorf("%d samples", len(l.samples))
	}
	if got := l.behind(at(60+2*lagSamples), 1); got != lagSamples*time.Second {
		t.Errorf("behind %s", got)
	}
}
