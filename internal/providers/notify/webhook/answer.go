package webhook

import (
	"net/http"
	"strconv"
	"time"

	"github.com/asctl/as/internal/providers"
)

// judge says what an answer's status means. Nothing of its body or headers is
// shown: a target may be any address, and what is there is not for everyone who
// reads notifications.
func judge(answer *http.Response) error {
	code := answer.StatusCode
	switch {
	case code >= 200 && code < 300:
		return nil
	case code >= 300 && code < 400:
		return providers.Errorf(providers.Failed, "it answered %s: redirects are not followed, change the target's URL to where it leads", status(code))
	case code == http.StatusGone:
		return providers.Errorf(providers.Gone, "it answered %s: it wants no notifications any more", status(code))
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		return &providers.Error{Class: providers.Throttled, Message: "it answered " + status(code), RetryAfter: retryAfter(answer.Header.Get("Retry-After"), time.Now())}
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return providers.Errorf(providers.Unauthorized, "it answered %s: does it check the signature with the current secret?", status(code))
	}
	return providers.Errorf(providers.Failed, "it answered %s", status(code))
}

func status(code int) string {
	if text := http.StatusText(code); text != "" {
		return strconv.Itoa(code) + " " + text
	}
	return strconv.Itoa(code)
}

// retryAfter reads the header's two forms, seconds and a date; 0: it says nothing.
func retryAfter(header string, now time.Time) time.Duration {
	if header == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(header, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(header); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}
