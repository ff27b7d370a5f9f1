package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/asctl/as/internal/providers"
)

const (
	maxAnswer = 64 << 10 // bytes read of a body, and of headers
	// drainTime is how long what follows a status is read, so that the connection
	// can be used again; a body that takes longer costs its connection.
	drainTime = 250 * time.Millisecond
	// maxRetryAfter bounds what a receiver may ask for.
	maxRetryAfter = time.Hour

	dialTimeout    = 10 * time.Second // an attempt's own time-out may be shorter
	idleTimeout    = 30 * time.Second
	maxIdle        = 64
	maxIdlePerHost = 8
)

// Config is what a Client is made of.
type Config struct {
	RootCAs *x509.CertPool // that receivers' certificates must come from; nil: the system's
	Reach   Reach          // where attempts may go
}

// Client makes attempts. It is safe for concurrent use.
type Client struct {
	// transport makes requests without an http.Client, which follows redirects and
	// quotes those that it cannot follow.
	transport *http.Transport
}

// New makes a client with connections of its own.
func New(c Config) *Client {
	transport := &http.Transport{
		Proxy:                  nil, // what the environment names is for other programs
		DialContext:            (&net.Dialer{Timeout: dialTimeout, ControlContext: c.Reach.control}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // nobody unpacks what a receiver packed
		MaxResponseHeaderBytes: maxAnswer,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		IdleConnTimeout:        idleTimeout,
	}
	return &Client{transport: transport}
}

// Close lets go of idle connections.
func (c *Client) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}

// Notify makes one attempt; see providers.Notifier.
func (c *Client) Notify(ctx context.Context, to providers.Endpoint, n providers.Notice) error {
	body, err := encode(n)
	if err != nil {
		return providers.Errorf(providers.InvalidConfiguration, "the event cannot be written as JSON: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, to.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return providers.Errorf(providers.InvalidConfiguration, "the target's URL is none")
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("User-Agent", "asserver")
	if err := sign(req.Header, to.Secrets, n.ID, time.Now(), body); err != nil {
		return providers.Errorf(providers.InvalidConfiguration, "%w", err)
	}
	answer, err := c.transport.RoundTrip(req)
	if err != nil {
		return unanswered(err, to.Timeout)
	}
	drain(answer.Body, cancel)
	return judge(answer)
}

// drain reads what is left of an answer, not much and not for long, and closes
// it. cancel ends a read that waits.
func drain(body io.ReadCloser, cancel func()) {
	timer := time.AfterFunc(drainTime, cancel)
	_, _ = io.CopyN(io.Discard, body, maxAnswer) // what it says does not matter
	timer.Stop()
	_ = body.Close() // a connection that is not at its end is dropped
}

// unanswered says why there is no answer, without the URL and without what came.
func unanswered(err error, timeout time.Duration) error {
	if refused, ok := errors.AsType[*notAllowed](err); ok {
		return &providers.Error{Class: providers.InvalidConfiguration, Message: refused.Error(), Err: refused}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return &providers.Error{Class: providers.UnknownOutcome, Message: "no answer within " + timeout.String(), Err: err}
	}
	message := "what came is not an HTTP answer, or has too much before its body"
	if ofConnection(err) {
		message = "no answer: " + err.Error()
	}
	return &providers.Error{Class: providers.UnknownOutcome, Message: message, Err: err}
}

// ofConnection says that an error is about the connection or its certificates. The
// text of others quotes what came over it.
func ofConnection(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, http.ErrSchemeMismatch) {
		return true
	}
	_, network := errors.AsType[*net.OpError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	timeout, ok := errors.AsType[net.Error](err)
	return network || certificate || ok && timeout.Timeout()
}
