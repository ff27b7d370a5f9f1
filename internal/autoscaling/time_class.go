package autoscaling

import "reflect"

// TimeClass says what an instant in a record is for, and so what becomes of it
// when replicated time is set back to T. Every field of type Time in a record has
// one, in its tag `time`.
type TimeClass string

const (
	// TimeHistory is shown, and nothing depends on it: it stays.
	TimeHistory TimeClass = "history"
	// TimeGiven was given by people: it stays.
	TimeGiven TimeClass = "given"
	// TimeSince begins a wait, an age or a retention: at the latest T.
	TimeSince TimeClass = "since"
	// TimeDeadline ends a wait: at the latest T and the longest wait of its kind.
	TimeDeadline TimeClass = "deadline"
	// TimeCursor is where a schedule stands: computed anew from T.
	TimeCursor TimeClass = "cursor"
	// TimeExpiry ends a right: what has expired is removed before time is set back,
	// so that it does not come back; the rest is a deadline.
	TimeExpiry TimeClass = "expiry"
)

// ClampSince returns the record with no instant of class TimeSince after now: the
// record itself if there is none, else a copy that shares nothing that differs.
func ClampSince[T any](record *T, now Time) *T {
	if !sinceAfter(reflect.ValueOf(record).Elem(), now) {
		return record
	}
	c := *record
	clampSince(reflect.ValueOf(&c).Elem(), now)
	return &c
}

var timeType = reflect.TypeFor[Time]()

// sinceAfter reports whether there is anything to clamp in v.
func sinceAfter(v reflect.Value, now Time) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return v.Type().Elem().Kind() == reflect.Struct && !v.IsNil() && sinceAfter(v.Elem(), now)
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Struct {
			return false
		}
		for n := range v.Len() {
			if sinceAfter(v.Index(n), now) {
				return true
			}
		}
	case reflect.Struct:
		for n := range v.NumField() {
			f := v.Type().Field(n)
			if f.Type == timeType && f.Tag.Get("time") == string(TimeSince) && Time(v.Field(n).Int()) > now || sinceAfter(v.Field(n), now) {
				return true
			}
		}
	}
	return false
}

// clampSince changes v, which can be set; what it points to is copied first.
func clampSince(v reflect.Value, now Time) {
	switch v.Kind() {
	case reflect.Pointer:
		if sinceAfter(v, now) {
			c := reflect.New(v.Type().Elem())
			c.Elem().Set(v.Elem())
			clampSince(c.Elem(), now)
			v.Set(c)
		}
	case reflect.Slice:
		if sinceAfter(v, now) {
			c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(c, v)
			for n := range c.Len() {
				clampSince(c.Index(n), now)
			}
			v.Set(c)
		}
	case reflect.Struct:
		for n := range v.NumField() {
			f := v.Type().Field(n)
			if f.Type == timeType {
				if f.Tag.Get("time") == string(TimeSince) {
					v.Field(n).SetInt(min(v.Field(n).Int(), int64(now)))
				}
				continue
			}
			clampSince(v.Field(n), now)
		}
	}
}
