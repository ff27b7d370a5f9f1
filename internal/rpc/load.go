package rpc

import (
	"sync/atomic"
	"time"

	"github.com/asctl/as/internal/autoscaling"
)

// Requests that are complete are held until they are answered. Small ones are
// bounded by their number; the large ones together by maxLoad.
const (
	maxLoad      = 64 << 20
	smallRequest = 16 << 10
	loadRetry    = time.Second
)

// load counts the bytes of large requests that are being carried out.
type load struct{ held atomic.Int64 }

// take counts a request of n bytes, or refuses it; give must follow.
func (l *load) take(n int) error {
	if n <= smallRequest {
		return nil
	}
	if l.held.Add(int64(n)) > maxLoad {
		l.held.Add(int64(-n))
		return &autoscaling.Error{
			Reason: autoscaling.LimitExceeded, RetryAfter: loadRetry,
			Message: "the requests that this node carries out hold more than 64 MiB together; send large requests again later",
		}
	}
	return nil
}

func (l *load) give(n int) {
	if n > smallRequest {
		l.held.Add(int64(-n))
	}
}
