package builtin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// exchange is one request on its way: the targets it was tried on, the last of
// which has it counted as open until the answer is through.
type exchange struct {
	pool   *pool
	tried  []*target
	status int // of the answer; 0: there was none
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange { return ctx.Value(exchangeKey{}).(*exchange) }

// next moves the exchange to a target that was not tried; nil: there is none.
func (x *exchange) next() *target {
	if len(x.tried) == maxAttempts {
		return nil
	}
	t := x.pool.take(x.tried)
	if t == nil {
		return nil
	}
	x.end()
	x.tried = append(x.tried, t)
	return t
}

// end gives back the target that the exchange is counted on.
func (x *exchange) end() {
	if len(x.tried) > 0 {
		x.tried[len(x.tried)-1].end()
	}
}

// errNoTarget: nobody in the pool took the request.
var errNoTarget = errors.New("no target takes requests")

// RoundTrip sends the request to a target, and to another one when that cannot
// have done anything with it, or when doing it twice is the same as once.
func (p *pool) RoundTrip(request *http.Request) (*http.Response, error) {
	x := exchangeOf(request.Context())
	repeatable := isRepeatable(request)
	body := request.Body
	if body != nil && body != http.NoBody {
		body = keptOpen{body} // an attempt that fails closes what it was given
	}
	var last error
	for {
		t := x.next()
		if t == nil {
			return nil, unserved(last)
		}
		if last != nil {
			p.metrics.retries.Inc()
		}
		response, err := t.transport.RoundTrip(addressed(request, t.hostPort, body))
		if err == nil {
			t.worked()
			return response, nil
		}
		if request.Context().Err() != nil {
			return nil, err // the client has gone; the target is not to blame
		}
		t.failed(time.Now())
		last = err
		if !repeatable && !isDialError(err) {
			return nil, err
		}
	}
}

func unserved(last error) error {
	if last == nil {
		return errNoTarget
	}
	return fmt.Errorf("%w: %w", errNoTarget, last)
}

// addressed is a copy for one attempt: an earlier one may still read its own.
func addressed(request *http.Request, hostPort string, body io.ReadCloser) *http.Request {
	out := new(http.Request)
	*out = *request
	url := *request.URL
	url.Host = hostPort
	out.URL, out.Body = &url, body
	return out
}

// isRepeatable: a safe method without a body; doing it twice is doing it once.
func isRepeatable(request *http.Request) bool {
	switch request.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return request.Body == nil || request.Body == http.NoBody
	}
	return false
}

// isDialError: there was no connection, so nothing of the request was sent.
func isDialError(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == "dial"
}

type keptOpen struct{ io.Reader }

func (keptOpen) Close() error { return nil }
