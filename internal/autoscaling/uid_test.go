package autoscaling

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestUIDsOfInstancesAndActivitiesCarryTheID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := InstanceID(fmt.Sprintf("i-%x%016x", rapid.IntRange(0, 15).Draw(t, "digit"), rapid.Uint64().Draw(t, "digits")))
		a := ActivityID(rapid.Uint64Range(1, math.MaxUint64).Draw(t, "activity"))
		iu, au := InstanceUID(i), ActivityUID(a)
		if back, ok := InstanceOfUID(iu); !ok || back != i {
			t.Fatalf("%s became %s became %s", i, iu, back)
		}
		if back, ok := ActivityOfUID(au); !ok || back != a {
			t.Fatalf("%d became %s became %d", a, au, back)
		}
		if _, ok := ActivityOfUID(iu); ok {
			t.Fatalf("%s is no activity's", iu)
		}
		if _, ok := InstanceOfUID(au); ok {
			t.Fatalf("%s is no instance's", au)
		}
		for _, u := range []UID{iu, au} {
			parsed, err := uuid.Parse(string(u))
			if err != nil || parsed.Version() != 8 || parsed.Variant() != uuid.RFC4122 || !IsUID(string(u)) {
				t.Fatalf("%s is no version 8 UUID: %v", u, err)
			}
		}
	})
}

func TestWhatIsNoUIDIsNobodys(t *testing.T) {
	for _, s := range []string{
		"", "web", "1a000000-0000-8000-8000-00000000000", "1A000000-0000-8000-8000-000000000000",
		"1a000000x0000-8000-8000-000000000000", "1a000001-0000-8000-8000-000000000000", "1a000000-0000-8000-c000-000000000000",
		"ac000000-0000-4000-8000-000000000001",
	} {
		if id, ok := InstanceOfUID(UID(s)); ok {
			t.Errorf("%q is instance %s", s, id)
		}
		if id, ok := ActivityOfUID(UID(s)); ok {
			t.Errorf("%q is activity %d", s, id)
		}
	}
	if u := InstanceUID("i-xyz"); u != "" {
		t.Errorf("%q is the uid of no id", u)
	}
}

func TestValidID(t *testing.T) {
	long := "a"
	for len(long) < 63 {
		long += "b"
	}
	for id, want := range map[string]bool{
		"web": true, "a": true, "a-1": true, "w3b": true, long: true,
		"": false, long + "c": false, "Web": false, "3web": false, "-web": false, "web-": false, "we_b": false, "wéb": false,
	} {
		if ValidID(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
}

func TestParseActivityID(t *testing.T) {
	for s, want := range map[string]ActivityID{"42": 42, "0": 0, "": 0, "-1": 0, "+1": 0, "1x": 0} {
		if id, ok := ParseActivityID(s); id != want && ok || ok != (want != 0) {
			t.Errorf("%q is %d, %v", s, id, ok)
		}
	}
}
