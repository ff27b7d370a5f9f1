package autoscaling

import (
	"testing"

	"pgregory.net/rapid"
)

func TestBackoffDelayDoublesWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.String().Draw(t, "key")
		failures := rapid.Int32Range(1, 1000).Draw(t, "failures")
		d := BackoffDelay(key, failures)
		if d < BackoffBase || d > BackoffMax {
			t.Fatalf("%s after %d", d, failures)
		}
		if d != BackoffDelay(key, failures) {
			t.Fatal("not the same twice")
		}
		if full := BackoffBase << min(failures-1, 20); d > max(full, BackoffBase) {
			t.Fatalf("%s after %d is longer than doubling makes it", d, failures)
		}
		if next := BackoffDelay(key, failures+2); next < min(d, BackoffMax*4/5) {
			t.Fatalf("%s after %d, %s after two more", d, failures, next)
		}
	})
}

func TestBackoffDelaysOfGroupsDiffer(t *testing.T) {
	seen := map[any]bool{}
	for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
		seen[BackoffDelay(key, 6)] = true
	}
	if len(seen) < 4 {
		t.Errorf("six groups wait %v", seen)
	}
}

func TestBackoffList(t *testing.T) {
	var list []Backoff
	list = FailBackoff(list, "g", "sim", "b", "small", "no room", 100)
	list = FailBackoff(list, "g", "sim", "a", "small", "no room", 100)
	before := list
	list = FailBackoff(list, "g", "sim", "a", "small", "still no room", 200)
	if b := FindBackoff(list, "sim", "a", "small"); b == nil || b.Failures != 2 || b.Error != "still no room" || b.Until <= 200 {
		t.Errorf("%+v", b)
	}
	if b := FindBackoff(before, "sim", "a", "small"); b.Failures != 1 {
		t.Error("the old list changed")
	}
	b := FindBackoff(list, "sim", "b", "small")
	if !BackoffHolds(list, "sim", "b", "small", b.Until-1) || BackoffHolds(list, "sim", "b", "small", b.Until) || BackoffHolds(list, "sim", "c", "small", 0) {
		t.Error("it holds at other times than it should")
	}
	list = ClearBackoff(list, "sim", "a", "small")
	if FindBackoff(list, "sim", "a", "small") != nil || FindBackoff(list, "sim", "b", "small") == nil {
		t.Errorf("%+v", list)
	}
}
