package autoscaling

import (
	"fmt"
	"time"
)

// The Validate functions say what is wrong with what a caller gave, as
// INVALID_ARGUMENT about one field; fields are named as in the API, relative to
// the resource. What depends on other resources is the operations' to check.

// MaxSize bounds every size and capacity.
const MaxSize = 1_000_000

// maxDuration bounds cooldowns, periods and the like: a day.
const maxDuration = 24 * time.Hour

func checkRange[T int32 | time.Duration](field string, v, low, high T) error {
	if v < low || v > high {
		return FieldErrorf(field, "%v is not between %v and %v", v, low, high)
	}
	return nil
}

func checkOneOf[T ~string](field string, v T, allowed ...T) error {
	for _, a := range allowed {
		if v == a {
			return nil
		}
	}
	return FieldErrorf(field, "%q is not one of %v", v, allowed)
}

func checkLength(field, v string, least, most int) error {
	switch {
	case v == "" && least > 0:
		return FieldErrorf(field, "is required")
	case len(v) < least || len(v) > most:
		return FieldErrorf(field, "has %d characters, %d to %d are allowed", len(v), least, most)
	}
	return nil
}

func checkCount(field string, n, most int) error {
	if n > most {
		return FieldErrorf(field, "has %d entries, at most %d are allowed", n, most)
	}
	return nil
}

// checkUnique finds what occurs twice among the entries of a list.
func checkUnique[T any, K comparable](field string, list []T, key func(T) K) error {
	seen := make(map[K]bool, len(list))
	for n, v := range list {
		k := key(v)
		if seen[k] {
			return FieldErrorf(entry(field, n), "%v is there twice", k)
		}
		seen[k] = true
	}
	return nil
}

func entry(field string, n int) string { return fmt.Sprintf("%s[%d]", field, n) }

// first is the first of the errors that is one. Its arguments are evaluated
// anyway; they are cheap.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkTexts(field string, m map[string]string, pairs, leastValue, mostValue int) error {
	if err := checkCount(field, len(m), pairs); err != nil {
		return err
	}
	for _, k := range sortedKeys(m) {
		at := field + "[" + k + "]"
		if err := first(checkLength(field+": key", k, 1, 63), checkLength(at, m[k], leastValue, mostValue)); err != nil {
			return err
		}
	}
	return nil
}
