package autoscaling

import (
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// Launches of one kind are held after a failure, longer with each in a row.
const (
	BackoffBase = 5 * time.Second
	BackoffMax  = 10 * time.Minute
)

// BackoffDelay is how long to wait after so many failures in a row: doubling
// from BackoffBase to BackoffMax, less up to a fifth, by a hash of key, so that
// groups that failed together do not come back together and every node computes
// the same.
func BackoffDelay(key string, failures int32) time.Duration {
	d := BackoffMax
	if failures < 8 { // 5 s · 2⁷ is past the maximum
		d = min(BackoffBase<<max(failures-1, 0), BackoffMax)
	}
	h := fnv.New64a()
	h.Write([]byte(key))
	h.Write([]byte{byte(failures), byte(failures >> 8)})
	fifth := uint64(d / 5)
	return max(d-time.Duration(mix(h.Sum64())%fifth), BackoffBase)
}

// mix spreads the bits of a hash whose inputs differ in little (the finisher of
// MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// FindBackoff is the back-off of a kind of launch; nil when there is none.
func FindBackoff(list []Backoff, provider, zone, instanceType string) *Backoff {
	if at, ok := slices.BinarySearchFunc(list, Backoff{Provider: provider, Zone: zone, Type: instanceType}, compareBackoffs); ok {
		return &list[at]
	}
	return nil
}

// BackoffHolds says whether launches of the kind must wait at the instant.
func BackoffHolds(list []Backoff, provider, zone, instanceType string, now Time) bool {
	b := FindBackoff(list, provider, zone, instanceType)
	return b != nil && now < b.Until
}

// FailBackoff is a new list in which one more failure of the kind is counted.
// group makes the jitter of groups differ.
func FailBackoff(list []Backoff, group UID, provider, zone, instanceType, message string, now Time) []Backoff {
	b := Backoff{Provider: provider, Zone: zone, Type: instanceType, Failures: 1, Error: message}
	at, found := slices.BinarySearchFunc(list, b, compareBackoffs)
	if found {
		b.Failures = list[at].Failures + 1
	}
	b.Until = now.Add(b.Delay(group))
	next := slices.Clone(list)
	if found {
		next[at] = b
		return next
	}
	return slices.Insert(next, at, b)
}

// Delay is how long the group's launches of the kind wait after the last failure.
func (b *Backoff) Delay(group UID) time.Duration {
	key := strings.Join([]string{string(group), b.Provider, b.Zone, b.Type}, "/")
	return BackoffDelay(key, b.Failures)
}

// ClearBackoff is a list without the kind: a launch of it succeeded.
func ClearBackoff(list []Backoff, provider, zone, instanceType string) []Backoff {
	at, found := slices.BinarySearchFunc(list, Backoff{Provider: provider, Zone: zone, Type: instanceType}, compareBackoffs)
	if !found {
		return list
	}
	return slices.Delete(slices.Clone(list), at, at+1)
}

func compareBackoffs(a, b Backoff) int {
	if c := strings.Compare(a.Provider, b.Provider); c != 0 {
		return c
	}
	if c := strings.Compare(a.Zone, b.Zone); c != 0 {
		return c
	}
	return strings.Compare(a.Type, b.Type)
}
