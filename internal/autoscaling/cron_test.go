package autoscaling

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The runs after an instant, on days on which the clocks change and others. A
// skipped local time runs at the next valid instant; a repeated one runs once.
func TestCronNextWhereClocksChange(t *testing.T) {
	for _, c := range []struct {
		name, cron, zone, after string
		want                    []string
	}{
		{"utc has no changes", "30 2 * * *", "UTC", "2027-03-13T12:00:00Z",
			[]string{"2027-03-14T02:30:00Z", "2027-03-15T02:30:00Z"}},
		{"an empty zone is utc", "30 2 * * *", "", "2027-03-13T12:00:00Z",
			[]string{"2027-03-14T02:30:00Z"}},
		{"strictly after", "0 12 * * *", "UTC", "2027-03-13T12:00:00Z",
			[]string{"2027-03-14T12:00:00Z"}},
		{"just before", "0 12 * * *", "UTC", "2027-03-13T11:59:59.999999Z",
			[]string{"2027-03-13T12:00:00Z"}},

		// New York: 14 March 2027 02:00 EST → 03:00 EDT; 7 November 02:00 EDT → 01:00 EST.
		{"new york skips 02:30", "30 2 * * *", "America/New_York", "2027-03-13T12:00:00Z",
			[]string{"2027-03-14T07:00:00Z", "2027-03-15T06:30:00Z"}},
		{"new york skips all of an hour, which is one run", "*/15 2 * * *", "America/New_York", "2027-03-14T05:00:00Z",
			[]string{"2027-03-14T07:00:00Z", "2027-03-15T06:00:00Z"}},
		{"new york: a skipped time and the next valid one fall together", "30 2,3 * * *", "America/New_York", "2027-03-14T05:00:00Z",
			[]string{"2027-03-14T07:00:00Z", "2027-03-14T07:30:00Z", "2027-03-15T06:30:00Z"}},
		{"new york: quarters of an hour over the gap", "*/15 * * * *", "America/New_York", "2027-03-14T06:40:00Z",
			[]string{"2027-03-14T06:45:00Z", "2027-03-14T07:00:00Z", "2027-03-14T07:15:00Z"}},
		{"new york repeats 01:30", "30 1 * * *", "America/New_York", "2027-11-07T00:00:00Z",
			[]string{"2027-11-07T05:30:00Z", "2027-11-08T06:30:00Z"}},
		{"new york: asked between the two 01:30", "30 1 * * *", "America/New_York", "2027-11-07T05:45:00Z",
			[]string{"2027-11-08T06:30:00Z"}},
		{"new york: asked in the second 01:15", "30 1 * * *", "America/New_York", "2027-11-07T06:15:00Z",
			[]string{"2027-11-08T06:30:00Z"}},
		{"new york: each local half hour once", "*/30 * * * *", "America/New_York", "2027-11-07T04:59:00Z",
			[]string{"2027-11-07T05:00:00Z", "2027-11-07T05:30:00Z", "2027-11-07T07:00:00Z"}},
		{"new york: midnight of the long day", "0 0 * * *", "America/New_York", "2027-11-07T00:00:00Z",
			[]string{"2027-11-07T04:00:00Z", "2027-11-08T05:00:00Z"}},

		// Lord Howe: half an hour. 4 April 2027 02:00 → 01:30; 3 October 02:00 → 02:30.
		{"lord howe repeats 01:45", "45 1 * * *", "Australia/Lord_Howe", "2027-04-03T00:00:00Z",
			[]string{"2027-04-03T14:45:00Z", "2027-04-04T15:15:00Z"}},
		{"lord howe does not repeat 01:15", "15 1 * * *", "Australia/Lord_Howe", "2027-04-03T00:00:00Z",
			[]string{"2027-04-03T14:15:00Z", "2027-04-04T14:45:00Z"}},
		{"lord howe skips 02:15", "15 2 * * *", "Australia/Lord_Howe", "2027-10-02T00:00:00Z",
			[]string{"2027-10-02T15:30:00Z", "2027-10-03T15:15:00Z"}},
		{"lord howe has 02:45", "45 2 * * *", "Australia/Lord_Howe", "2027-10-02T00:00:00Z",
			[]string{"2027-10-02T15:45:00Z"}},

		// Troll: two hours. 28 March 2027 01:00 UTC: 01:00 → 03:00; 31 October 01:00 UTC: 03:00 → 01:00.
		{"troll skips 01:30", "30 1 * * *", "Antarctica/Troll", "2027-03-27T12:00:00Z",
			[]string{"2027-03-28T01:00:00Z", "2027-03-28T23:30:00Z"}},
		{"troll skips 02:30", "30 2 * * *", "Antarctica/Troll", "2027-03-27T12:00:00Z",
			[]string{"2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"}},
		{"troll repeats 01:30 and 02:30", "30 1,2 * * *", "Antarctica/Troll", "2027-10-30T12:00:00Z",
			[]string{"2027-10-30T23:30:00Z", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"}},

		// Samoa left out 30 December 2011 altogether.
		{"apia skips a day", "0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z",
			[]string{"2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"}},

		{"29 february", "0 0 29 2 *", "UTC", "2027-01-01T00:00:00Z", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
		{"29 february over a century", "0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", []string{"2104-02-29T00:00:00Z"}},
		{"either day field", "0 0 13 * FRI", "UTC", "2027-08-01T00:00:00Z",
			[]string{"2027-08-06T00:00:00Z", "2027-08-13T00:00:00Z", "2027-08-20T00:00:00Z", "2027-08-27T00:00:00Z", "2027-09-03T00:00:00Z", "2027-09-10T00:00:00Z", "2027-09-13T00:00:00Z"}},
		{"only the weekday", "0 9 * * MON-FRI", "UTC", "2027-08-06T10:00:00Z", []string{"2027-08-09T09:00:00Z"}},
		{"only the day of the month", "0 9 1 * *", "UTC", "2027-08-06T10:00:00Z", []string{"2027-09-01T09:00:00Z"}},
		{"sunday is 0 and 7", "0 9 * * 7", "UTC", "2027-08-06T10:00:00Z", []string{"2027-08-08T09:00:00Z"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cron, err := ParseCron(c.cron, c.zone)
			if err != nil {
				t.Fatal(err)
			}
			at := parseTime(t, c.after)
			for _, want := range c.want {
				if at = cron.Next(at); at != parseTime(t, want) {
					t.Fatalf("next is %s, want %s", at, want)
				}
			}
		})
	}
}

func TestParseCronRefuses(t *testing.T) {
	for _, c := range []struct{ cron, zone string }{
		{"", "UTC"},
		{"* * * *", "UTC"},
		{"* * * * * *", "UTC"},
		{"60 * * * *", "UTC"},
		{"* 24 * * *", "UTC"},
		{"* * 0 * *", "UTC"},
		{"0 0 30 2 *", "UTC"}, // there is no such day
		{"@daily", "UTC"},
		{"@every 5m", "UTC"},
		{"TZ=Asia/Tokyo 0 0 * * *", "UTC"},
		{"CRON_TZ=Asia/Tokyo 0 0 * *", "UTC"},
		{"0 0 L * *", "UTC"},
		{"H * * * *", "UTC"},
		{"* * * * *", "Mars/Olympus"},
		{"* * * * *", "Local"},
		{"* * * * *", "../../etc/passwd"},
	} {
		if _, err := ParseCron(c.cron, c.zone); err == nil {
			t.Errorf("%q in %q is taken", c.cron, c.zone)
		}
	}
}

// Next is the first of all minutes that match, found the slow way: by walking the
// instants one by one and reading the local clock, with the two rules applied.
func TestCronNextAgreesWithAWalkOverTheMinutes(t *testing.T) {
	zones := []string{"America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "UTC", "Asia/Kathmandu"}
	crons := []string{"*/7 * * * *", "30 1 * * *", "15,45 2 * * *", "0 */3 * * *", "59 23 * * *", "0 0 * * *"}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		expression := rapid.SampledFrom(crons).Draw(t, "cron")
		cron, err := ParseCron(expression, zone)
		if err != nil {
			t.Fatal(err)
		}
		location, _ := time.LoadLocation(zone)
		// Around the days of 2027 on which any of the zones changes.
		day := rapid.SampledFrom([]string{"2027-03-14", "2027-03-28", "2027-04-04", "2027-10-03", "2027-10-31", "2027-11-07", "2027-07-01"}).Draw(t, "day")
		start, _ := time.Parse(time.DateOnly, day)
		after := start.Add(time.Duration(rapid.IntRange(-24*60, 24*60).Draw(t, "minute")) * time.Minute)
		want := walk(cron, location, after)
		if got := cron.Next(TimeOf(after)); got != TimeOf(want) {
			t.Fatalf("%q in %s after %s: %s, want %s", expression, zone, after, got, want)
		}
	})
}

// walk finds the next run by looking at every minute's change of the local clock.
func walk(c Cron, zone *time.Location, after time.Time) time.Time {
	wall := func(at time.Time) time.Time {
		l := at.In(zone)
		return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)
	}
	matches := func(w time.Time) bool { return c.matchesDay(w) && c.matchesMinute(w.Hour()*60+w.Minute()) }
	// newest is the furthest that the local clock has been: what it shows again is
	// not run again.
	begin := after.Add(-4 * time.Hour)
	newest := wall(begin)
	for at := begin.Add(time.Minute); at.Before(after.Add(72 * time.Hour)); at = at.Add(time.Minute) {
		run := false
		for w := newest.Add(time.Minute); !w.After(wall(at)); w = w.Add(time.Minute) {
			run = run || matches(w)
			newest = w
		}
		if run && at.After(after) {
			return at
		}
	}
	return time.Time{}
}

func parseTime(t interface{ Fatal(...any) }, s string) Time {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return TimeOf(at)
}
