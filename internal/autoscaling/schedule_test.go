package autoscaling

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDue(t *testing.T) {
	minutely := ScheduledTask{Cron: "* * * * *", LaunchWindow: 10 * time.Minute}
	daily := ScheduledTask{Cron: "0 8 * * *", LaunchWindow: 10 * time.Minute}
	once := ScheduledTask{LaunchWindow: 10 * time.Minute}
	for _, c := range []struct {
		name              string
		task              ScheduledTask
		cursor, now       string
		run, missed, next string
	}{
		{"on time", daily, "2027-01-15T08:00:00Z", "2027-01-15T08:00:00Z", "2027-01-15T08:00:00Z", "", "2027-01-16T08:00:00Z"},
		{"late, inside the window", daily, "2027-01-15T08:00:00Z", "2027-01-15T08:09:59Z", "2027-01-15T08:00:00Z", "", "2027-01-16T08:00:00Z"},
		{"at the window's end", daily, "2027-01-15T08:00:00Z", "2027-01-15T08:10:00Z", "2027-01-15T08:00:00Z", "", "2027-01-16T08:00:00Z"},
		{"after the window", daily, "2027-01-15T08:00:00Z", "2027-01-15T08:10:01Z", "", "2027-01-15T08:00:00Z", "2027-01-16T08:00:00Z"},
		{"away for days, back in a window", daily, "2027-01-15T08:00:00Z", "2027-01-18T08:05:00Z", "2027-01-18T08:00:00Z", "2027-01-15T08:00:00Z", "2027-01-19T08:00:00Z"},
		{"away for days, back outside", daily, "2027-01-15T08:00:00Z", "2027-01-18T12:00:00Z", "", "2027-01-15T08:00:00Z", "2027-01-19T08:00:00Z"},
		{"away for minutes: the newest runs once", minutely, "2027-01-15T08:00:00Z", "2027-01-15T08:05:30Z", "2027-01-15T08:05:00Z", "2027-01-15T08:04:00Z", "2027-01-15T08:06:00Z"},
		{"away for a year of minutes", minutely, "2026-01-15T08:00:00Z", "2027-01-15T08:05:30Z", "2027-01-15T08:05:00Z", "2027-01-15T08:04:00Z", "2027-01-15T08:06:00Z"},
		{"once, on time", once, "2027-01-15T08:00:00Z", "2027-01-15T08:00:01Z", "2027-01-15T08:00:00Z", "", ""},
		{"once, too late", once, "2027-01-15T08:00:00Z", "2027-01-15T09:00:00Z", "", "2027-01-15T08:00:00Z", ""},
		{"without a window a change of leader is waited for", ScheduledTask{Cron: "0 8 * * *"}, "2027-01-15T08:00:00Z", "2027-01-15T08:00:09Z", "2027-01-15T08:00:00Z", "", "2027-01-16T08:00:00Z"},
		{"without a window no longer than that", ScheduledTask{Cron: "0 8 * * *"}, "2027-01-15T08:00:00Z", "2027-01-15T08:00:11Z", "", "2027-01-15T08:00:00Z", "2027-01-16T08:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := func(s string) Time {
				if s == "" {
					return 0
				}
				return parseTime(t, s)
			}
			task := c.task
			if task.Cron == "" {
				task.StartTime = at(c.cursor)
			}
			got, err := Due(&task, at(c.cursor), at(c.now))
			if err != nil {
				t.Fatal(err)
			}
			if want := (DueRuns{at(c.run), at(c.missed), at(c.next)}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

func TestNextRunHonoursStartAndEnd(t *testing.T) {
	task := ScheduledTask{
		Cron: "0 8 * * *", StartTime: parseTime(t, "2027-01-15T08:00:00Z"), EndTime: parseTime(t, "2027-01-17T08:00:00Z"),
	}
	at := parseTime(t, "2026-06-01T00:00:00Z")
	for _, want := range []string{"2027-01-15T08:00:00Z", "2027-01-16T08:00:00Z", "2027-01-17T08:00:00Z"} {
		next, err := NextRun(&task, at)
		if err != nil || next != parseTime(t, want) {
			t.Fatalf("next run %s (%v), want %s", next, err, want)
		}
		at = next
	}
	if next, _ := NextRun(&task, at); next != 0 {
		t.Errorf("a run at %s, after the end", next)
	}
}

// However the service sleeps and wakes, each run either runs once or is passed
// over, and the cursor never goes back.
func TestDueNeverRunsTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		task := &ScheduledTask{
			Cron:         rapid.SampledFrom([]string{"*/5 * * * *", "0 * * * *", "30 2 * * *"}).Draw(t, "cron"),
			TimeZone:     rapid.SampledFrom([]string{"UTC", "America/New_York"}).Draw(t, "zone"),
			LaunchWindow: time.Duration(rapid.IntRange(0, 3600).Draw(t, "window")) * time.Second,
		}
		now := parseTime(t, "2027-03-13T00:00:00Z")
		cursor, _ := NextRun(task, now)
		last := Time(0)
		for range 20 {
			now = max(now, cursor).Add(time.Duration(rapid.IntRange(0, 12*3600).Draw(t, "sleep")) * time.Second)
			d, err := Due(task, cursor, now)
			if err != nil {
				t.Fatal(err)
			}
			if d.Run != 0 {
				if d.Run <= last || d.Run > now || now > d.Run.Add(max(task.LaunchWindow, LaunchSlack)) {
					t.Fatalf("ran %s at %s, after %s", d.Run, now, last)
				}
				last = d.Run
			}
			if d.Next <= now || d.Next <= cursor {
				t.Fatalf("the cursor goes from %s to %s at %s", cursor, d.Next, now)
			}
			cursor = d.Next
		}
	})
}
