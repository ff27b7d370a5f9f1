package explain

import (
	"fmt"
	"strings"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// at is an instant as sentences have it: UTC, to the second.
func at(t autoscaling.Time) string { return t.Std().Truncate(time.Second).Format(time.RFC3339) }

// span is a duration as sentences have it.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d >= day && d%day == 0:
		return number(int(d/day), "day")
	}
	return d.Round(time.Second).String()
}

// number is "1 instance", "2 instances".
func number[N int | int32](n N, thing string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", thing)
	}
	if strings.HasSuffix(thing, "ch") {
		thing += "e"
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// list joins words as one would say them: "a, b and c".
func list(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// capital makes a sentence's first letter one.
func capital(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

// because appends what may be known of why.
func because(s, why string) string {
	if why == "" {
		return s
	}
	return s + ": " + why
}
