package output

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Age is how long ago it was, in the two units that matter: 42s, 3m20s, 5h, 12d.
func Age(t *timestamppb.Timestamp, now time.Time) string {
	if t == nil {
		return ""
	}
	return short(now.Sub(t.AsTime()))
}

// Until is how far away it is; empty when it is past.
func Until(t *timestamppb.Timestamp, now time.Time) string {
	if t == nil || !t.AsTime().After(now) {
		return ""
	}
	return short(t.AsTime().Sub(now))
}

func short(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 10*time.Minute:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 3*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 8*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// Time is a point in time for a table.
func Time(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().UTC().Format(time.RFC3339)
}

// Millis is a point in time where the order of near things matters.
func Millis(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().UTC().Format("2006-01-02T15:04:05.000Z")
}

// Span is a length of time.
func Span(d *durationpb.Duration) string {
	if d == nil {
		return ""
	}
	return d.AsDuration().String()
}

// Took is how long a step took, as exactly as it matters: 12ms, 1.25s, 3m20s.
func Took(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	}
	return short(d)
}
