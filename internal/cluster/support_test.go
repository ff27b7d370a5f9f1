package cluster_test

import (
	"errors"
	"testing"

	"github.com/asctl/as/internal/autoscaling"
)

func wantReason(t *testing.T, err error, want autoscaling.Reason) {
	t.Helper()
	var e *autoscaling.Error
	if !errors.As(err, &e) || e.Reason != want {
		t.Errorf("error %v, want reason %s", err, want)
	}
}
