package metrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/asctl/as/internal/autoscaling"
)

// pushNames pushes one sample of each of n metrics; it returns the first refusal.
func pushNames(s *Store, group autoscaling.UID, n int) error {
	for i := range n {
		if _, err := s.Put(group, []Sample{{Metric: fmt.Sprintf("m%03d", i), Value: 1}}); err != nil {
			return err
		}
	}
	return nil
}

func TestOneGroupsSeriesDoNotRefuseAnothersFirstSample(t *testing.T) {
	s, _ := newTestStore()
	for n := range maxSeries / maxSeriesPerGroup {
		if err := pushNames(s, autoscaling.UID(fmt.Sprintf("flood%d", n)), maxSeriesPerGroup); err != nil {
			t.Fatal(err)
		}
	}
	if err := pushNames(s, "flood-last", maxSeriesPerGroup); err == nil || !strings.Contains(err.Error(), "share of 199") {
		t.Errorf("a group more than its share: %v", err)
	}
	if err := pushNames(s, "honest", 20); err != nil {
		t.Errorf("first samples of another group: %v", err)
	}
	if _, err := s.PutProvider("honest", []Sample{{Metric: "cpu_utilization", Value: 1}, {Metric: "memory_utilization", Value: 1}}); err != nil {
		t.Errorf("the provider's samples: %v", err)
	}
	if s.pushed > maxSeries {
		t.Errorf("%d series", s.pushed)
	}
}

func TestPushesDoNotTakeTheProvidersRoom(t *testing.T) {
	s, _ := newTestStore()
	if err := pushNames(s, "g", maxSeriesPerGroup); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutProvider("g", []Sample{{Metric: "cpu_utilization", Value: 1}}); err != nil {
		t.Errorf("the provider's first sample: %v", err)
	}
	for n := range maxProviderSeries {
		if _, err := s.PutProvider("g", []Sample{{Metric: fmt.Sprint("p", n), Value: 1}}); (err != nil) != (n == maxProviderSeries-1) {
			t.Errorf("metric %d of a provider: %v", n+1, err)
		}
	}
}

func TestSilentSeriesMakeRoomAndWhatFollowsThemIsPartial(t *testing.T) {
	s, c := newTestStore()
	put(t, s, "old", map[int]float64{0: 1})
	c.now = at(10)
	if err := pushNames(s, "g", maxSeriesPerGroup-1); err != nil {
		t.Fatal(err)
	}
	c.now = at(silentAfter - 1)
	if _, err := s.Put("g", []Sample{{Metric: "new", Value: 1}}); err == nil {
		t.Error("a series made room that had a sample within the hour")
	}
	c.now = at(silentAfter)
	if _, err := s.Put("g", []Sample{{Metric: "new", Value: 1}}); err != nil {
		t.Fatal(err)
	}
	if s.groups["g"].series[seriesKey{"push", "old"}] != nil || s.pushed != maxSeriesPerGroup {
		t.Error("the series that was silent for the longest is there")
	}
	w := average(2*time.Hour, 1, c.now)
	for metric, want := range map[string]string{"old": "p", "new": "p", "m000": "w"} {
		if w.Metric.Name = metric; partials(s.Datapoints("g", w)) != want {
			t.Errorf("%s is not %s", metric, want)
		}
	}
	w = average(time.Minute, 1, at(silentAfter+60))
	if w.Metric.Name = "old"; partials(s.Datapoints("g", w)) != "w" {
		t.Error("a minute later it is known that there were no samples")
	}
}

// In a store of any contents, a group below its share gets room, and nothing is
// counted wrong.
func TestGroupsBelowTheirShareGetRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, c := newTestStore()
		s.limit = rapid.IntRange(4, 40).Draw(t, "limit")
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			c.now = c.now.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "pause")) * time.Second)
			uid := autoscaling.UID(fmt.Sprint("g", rapid.IntRange(0, 3).Draw(t, "group")))
			before := 0
			if g := s.groups[uid]; g != nil {
				before = g.pushed
			}
			_, err := s.Put(uid, []Sample{{Metric: fmt.Sprint("m", rapid.IntRange(0, 30).Draw(t, "metric")), Value: 1}})
			if err != nil && before < s.limit/4 {
				t.Fatalf("a group with %d of %d series for 4 groups: %v", before, s.limit, err)
			}
			total := 0
			for _, g := range s.groups {
				total += len(g.series)
				if g.pushed != len(g.series) {
					t.Fatalf("%d series are counted as %d", len(g.series), g.pushed)
				}
			}
			if total != s.pushed || total > s.limit {
				t.Fatalf("%d series, counted as %d, at most %d", total, s.pushed, s.limit)
			}
		}
	})
}
