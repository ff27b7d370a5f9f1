package autoscaling

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // a host may have no zone database; all nodes must agree

	cron "github.com/netresearch/go-cron"
)

// Cron is a cron expression of five fields (minute, hour, day of month, month,
// day of week) in a time zone. As in every cron, a day matches when either of
// the two day fields does, if both are restricted.
//
// The library only parses. Its own Next has neither rule of ours for days on
// which the clocks change: a local time that they skip runs at the next valid
// instant, and one that they repeat runs once, the first time.
type Cron struct {
	fields *cron.SpecSchedule
	zone   *time.Location
}

var cronParser = cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// anyValue is the bit by which the parser marks a field that was "*".
const anyValue = 1 << 63

// ParseCron reads an expression; zone is an IANA name, "" is UTC.
func ParseCron(expression, zone string) (Cron, error) {
	location, err := ParseZone(zone)
	if err != nil {
		return Cron{}, err
	}
	if strings.Contains(expression, "=") {
		return Cron{}, fmt.Errorf("%q: the time zone is a field of its own", expression)
	}
	if n := len(strings.Fields(expression)); n != 5 {
		return Cron{}, fmt.Errorf("%q has %d fields; cron has five: minute, hour, day of month, month, day of week", expression, n)
	}
	schedule, err := cronParser.Parse(expression)
	if err != nil {
		return Cron{}, fmt.Errorf("%q: %w", expression, err)
	}
	fields, ok := schedule.(*cron.SpecSchedule)
	if !ok {
		return Cron{}, fmt.Errorf("%q is not five cron fields", expression)
	}
	c := Cron{fields: fields, zone: location}
	if c.Next(0) == 0 {
		return Cron{}, fmt.Errorf("%q never runs: there is no such day", expression)
	}
	return c, nil
}

// ParseZone reads an IANA time zone; "" is UTC. The host's own zone ("Local") is
// none: nodes may differ in it.
func ParseZone(zone string) (*time.Location, error) {
	if zone == "" {
		return time.UTC, nil
	}
	if zone == "Local" {
		return nil, fmt.Errorf("%q is not an IANA time zone", zone)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("%q is not an IANA time zone", zone)
	}
	return location, nil
}

// cronHorizonDays bounds the search: the longest wait is for 29 February over a
// century that is no leap year.
const cronHorizonDays = 8*366 + 1

// Next is the first run strictly after the instant; 0 when there is none.
//
// Local minutes are looked at in order and mapped to instants. The mapping never
// goes back, so the first that lies after the instant is the next run.
func (c Cron) Next(after Time) Time {
	local := after.Std().In(c.zone)
	if after == 0 {
		local = time.Unix(0, 0).In(c.zone)
	}
	year, month, day := local.Date()
	first := local.Hour()*60 + local.Minute()
	for range cronHorizonDays {
		date := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
		if c.matchesDay(date) {
			for minute := first; minute < 24*60; minute++ {
				if !c.matchesMinute(minute) {
					continue
				}
				at := TimeOf(instant(date.Add(time.Duration(minute)*time.Minute), c.zone))
				if at > after {
					return at
				}
			}
		}
		first = 0
		year, month, day = date.AddDate(0, 0, 1).Date()
	}
	return 0
}

func (c Cron) matchesDay(date time.Time) bool {
	if c.fields.Month&(1<<uint(date.Month())) == 0 {
		return false
	}
	dom := c.fields.Dom&(1<<uint(date.Day())) != 0
	dow := c.fields.Dow&(1<<uint(date.Weekday())) != 0
	if c.fields.Dom&anyValue != 0 || c.fields.Dow&anyValue != 0 {
		return dom && dow
	}
	return dom || dow
}

func (c Cron) matchesMinute(minuteOfDay int) bool {
	return c.fields.Hour&(1<<uint(minuteOfDay/60)) != 0 && c.fields.Minute&(1<<uint(minuteOfDay%60)) != 0
}

// instant is when a local time, given as if it were UTC, happens in the zone: the
// first time where the clocks repeat it, the end of the gap where they skip it.
func instant(local time.Time, zone *time.Location) time.Time {
	// No zone is further from UTC than this, so the walk over the zone's periods
	// starts before the instant and is over a day or two later.
	const furthest = 26 * time.Hour
	t := local.Add(-furthest).In(zone)
	for {
		begin, end := t.ZoneBounds()
		_, offset := t.Zone()
		at := local.Add(-time.Duration(offset) * time.Second)
		switch {
		case !begin.IsZero() && at.Before(begin):
			return begin // skipped: the period before had ended by then
		case end.IsZero() || at.Before(end):
			return at
		}
		t = end
	}
}
