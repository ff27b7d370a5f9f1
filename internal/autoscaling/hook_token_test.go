package autoscaling_test

import (
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

func TestATokenFindsItsInstance(t *testing.T) {
	const id = autoscaling.InstanceID("i-0123456789abcdef0")
	a := autoscaling.HookToken(id, "f47ac10b-58cc-4372-a567-0e02b2c3d479")
	b := autoscaling.HookToken(id, "f47ac10c-58cc-4372-a567-0e02b2c3d479")
	if a == b || len(a) != 36 {
		t.Fatalf("tokens %q and %q", a, b)
	}
	for _, token := range []autoscaling.UID{a, b} {
		if got, ok := autoscaling.InstanceOfToken(token); !ok || got != id {
			t.Errorf("the token %s is of %s, %v", token, got, ok)
		}
	}
	for _, bad := range []autoscaling.UID{"", "x", "f47ac10b-58cc-4372-a567-0e02b2c3d479", a[:35]} {
		if _, ok := autoscaling.InstanceOfToken(bad); ok {
			t.Errorf("%q has the form of a token", bad)
		}
	}
}
