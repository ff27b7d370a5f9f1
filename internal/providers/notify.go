package providers

import (
	"context"
	"time"
)

// Endpoint is where notices are sent.
type Endpoint struct {
	URL     string
	Secrets []string      // each signs every notice; "whsec_" and base64
	Timeout time.Duration // of one attempt
}

// Notice is one event for one endpoint.
type Notice struct {
	ID      string // the same in every attempt
	Source  string // ARI of the group, or of the target where there is none
	Type    string // e.g. "as.instance_state"
	Subject string // ARI of the instance or activity; may be empty
	Time    time.Time
	Data    []byte // a JSON object
}

// Notifier sends notices. Notify makes one attempt and returns nil when the
// endpoint has taken the notice; Gone: it wants none any more; Throttled: not
// before RetryAfter. After any other error, one with an unknown outcome too, the
// notice is sent again: endpoints tell repeats by the id.
type Notifier interface {
	Notify(ctx context.Context, to Endpoint, n Notice) error
}
