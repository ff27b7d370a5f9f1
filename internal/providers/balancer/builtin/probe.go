package builtin

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/asctl/as/internal/autoscaling/text"
)

// probeBody is how much of a check's answer is read.
const probeBody = 4 << 10

// maxStatus bounds what is quoted of an answer's status line, which the target may
// fill with anything.
const maxStatus = 100

// prober checks targets. Each check makes a new connection: a kept one would
// not notice a listener that is gone.
type prober struct{ client *http.Client }

func newProber() *prober {
	return &prober{&http.Client{
		Transport: &http.Transport{
			DisableKeepAlives:      true,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeaderBytes,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// probe answers nil when the target is well.
func (p *prober) probe(ctx context.Context, check HealthCheck, hostPort string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, check.Timeout, fmt.Errorf("no answer within %s", check.Timeout))
	defer cancel()
	err := p.try(ctx, check, hostPort)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (p *prober) try(ctx context.Context, check HealthCheck, hostPort string) error {
	if check.HTTP == "" {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", hostPort)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+hostPort+check.HTTP, nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "as-health-check")
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, probeBody) // the status decides
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		return fmt.Errorf("GET %s answered %s", check.HTTP, text.Short(response.Status, maxStatus))
	}
	return nil
}
