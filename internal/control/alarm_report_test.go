package control_test

import "testing"

// An alarm requests its rules on entering ALARM and once a period; data that is
// missing in between, as after a change of leader, makes no difference.
func TestAlarmRequestsOncePerPeriod(t *testing.T) {
	for name, c := range map[string]struct {
		deeds   string
		desired int32
	}{
		"missing data within the period":           {"report web/high 90; drive; advance 20s; report web/high nothing; advance 20s; report web/high 90", 4},
		"missing data again and again":             {"report web/high 90; drive; report web/high nothing; report web/high 90; report web/high nothing; advance 30s; report web/high 90", 4},
		"missing data at the period's end":         {"report web/high 90; drive; advance 30s; report web/high nothing; advance 31s; report web/high 90", 5},
		"missing data, then the end of the breach": {"report web/high 90; drive; report web/high nothing; report web/high 60; report web/high 90", 5},
		"the breach ends and begins anew":          {"report web/high 90; drive; report web/high 60; report web/high 90", 5},
		"resumed while data is missing":            {"report web/high 90; drive; report web/high nothing; pause web; resume web; report web/high 90", 5},
		"held":                                     {"report web/high 90; drive; report web/high nothing; report web/high 90; advance 61s; report web/high 90 hold", 5},
	} {
		t.Run(name, func(t *testing.T) {
			s := kept(t)
			s.tellAll(c.deeds)
			if is := s.Group("web").Desired; is != c.desired {
				t.Errorf("desired is %d, want %d", is, c.desired)
			}
		})
	}
}
