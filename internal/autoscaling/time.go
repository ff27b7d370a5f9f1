package autoscaling

import "time"

// Time is an instant of replicated time: microseconds since the Unix epoch,
// UTC. The zero value means "not set" and is before every real instant. It is
// an integer so that records are small, comparisons are plain operators and
// equal instants have equal bytes.
type Time int64

// TimeOf converts a wall clock time, dropping what is below a microsecond.
func TimeOf(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMicro())
}

// Std is the instant as a time.Time in UTC; the zero value stays zero.
func (t Time) Std() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(t)).UTC()
}

// Add is the instant d later; the result is rounded up to a microsecond, so
// that a deadline is never early.
func (t Time) Add(d time.Duration) Time {
	us := int64(d / time.Microsecond)
	if d > 0 && d%time.Microsecond != 0 {
		us++
	}
	return t + Time(us)
}

// Sub is the duration from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Microsecond }

func (t Time) String() string {
	if t == 0 {
		return "never"
	}
	return t.Std().Format(time.RFC3339Nano)
}

// Earliest is the earlier of two instants, where "not set" is no instant.
func Earliest(a, b Time) Time {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}
