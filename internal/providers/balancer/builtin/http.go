package builtin

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	readHeaderTimeout = 10 * time.Second
	clientIdleTimeout = 2 * time.Minute
	clientMaxHeaders  = 64 << 10
	copyBuffer        = 32 << 10
	bodyPause         = time.Minute // the longest between two parts of a request's body
)

// lameDuck is how long connections in use may end themselves, told by the
// answers to their next requests, before idle ones are closed.
const lameDuck = 200 * time.Millisecond

// httpFront is the http side of a pool.
type httpFront struct {
	pool     *pool
	proxy    *httputil.ReverseProxy
	logger   hclog.Logger
	stopping chan struct{} // closed when clients should go elsewhere
	serving  gauge
}

func newHTTPFront(p *pool, logger hclog.Logger) *httpFront {
	f := &httpFront{pool: p, logger: logger, stopping: make(chan struct{})}
	f.proxy = &httputil.ReverseProxy{
		Rewrite:        rewrite,
		Transport:      p,
		ModifyResponse: noteStatus,
		ErrorHandler:   f.fail,
		ErrorLog:       debugLog(logger),
		BufferPool:     &buffers,
	}
	return f
}

func debugLog(logger hclog.Logger) *log.Logger {
	return logger.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug})
}

// rewrite passes the request on as it came: the query untouched, the host kept,
// this hop added to the forwarding headers.
func rewrite(r *httputil.ProxyRequest) {
	r.Out.URL.Scheme = "http" // the host is set for each attempt
	r.Out.URL.RawQuery = r.In.URL.RawQuery
	r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
	r.SetXForwarded()
}

func noteStatus(response *http.Response) error {
	exchangeOf(response.Request.Context()).status = response.StatusCode
	return nil
}

func (f *httpFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.serving.begin()
	defer f.serving.end()
	begin := time.Now()
	f.pool.requests.Add(1)
	x := &exchange{pool: f.pool}
	defer x.end()
	defer f.recover(r)
	select {
	case <-f.stopping:
		w.Header().Set("Connection", "close")
	default:
	}
	if r.Method == http.MethodConnect {
		http.Error(w, "CONNECT is not for a load balancer", http.StatusMethodNotAllowed)
		return
	}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &patientBody{r.Body, http.NewResponseController(w)}
	}
	f.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
	f.pool.metrics.answered(x.status, begin)
}

// recover lets one request's panic break one connection and nothing else. A
// target that breaks off in mid-answer ends here too: the client must not take
// half an answer for a whole one.
func (f *httpFront) recover(r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	f.pool.metrics.failed.Inc()
	if cause != http.ErrAbortHandler {
		f.logger.Error("request panicked", "pool", f.pool.name, "method", r.Method, "error", cause, "stack", string(debug.Stack()))
	}
	panic(http.ErrAbortHandler)
}

// fail answers what no target did.
func (f *httpFront) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, text := http.StatusBadGateway, "the target broke off"
	switch {
	case r.Context().Err() != nil:
		f.pool.metrics.failed.Inc() // the client has gone: nobody reads this
	case errors.Is(err, errNoTarget):
		f.pool.metrics.noTarget.Inc()
		status, text = http.StatusServiceUnavailable, err.Error()
		w.Header().Set("Retry-After", "1")
	case errors.Is(err, os.ErrDeadlineExceeded):
		f.pool.metrics.failed.Inc()
		status, text = http.StatusGatewayTimeout, "the target did not answer in time"
	default:
		f.pool.metrics.failed.Inc()
		f.logger.Debug("request failed", "pool", f.pool.name, "error", err)
	}
	http.Error(w, fmt.Sprintf("pool %s: %s", f.pool.name, text), status)
}

// serve serves the listener until ctx ends, then drains for at most grace.
func (f *httpFront) serve(ctx context.Context, listener net.Listener, grace time.Duration) error {
	base, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	server := &http.Server{
		Handler:           f,
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       clientIdleTimeout,
		MaxHeaderBytes:    clientMaxHeaders,
		ErrorLog:          debugLog(f.logger),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		_ = server.Close() // the listener's error says more
		abort()
		f.serving.wait(context.Background()) // ends: its connections are closed
		return err
	case <-ctx.Done():
	}
	close(f.stopping)
	_ = listener.Close() // it takes nobody new either way
	<-ended
	<-time.After(min(lameDuck, grace))
	drain, cancel := context.WithTimeout(base, grace)
	defer cancel()
	_ = server.Shutdown(drain) // what is left at its deadline is closed below
	f.serving.wait(drain)      // upgraded connections are not the server's any more
	abort()
	_ = server.Close()
	f.serving.wait(context.Background()) // ends: its connections are closed
	return nil
}

// buffers are those that answers are copied through.
var buffers = bufferPool{pool: sync.Pool{New: func() any { return new([copyBuffer]byte) }}}

type bufferPool struct{ pool sync.Pool }

func (b *bufferPool) Get() []byte  { return b.pool.Get().(*[copyBuffer]byte)[:] }
func (b *bufferPool) Put(p []byte) { b.pool.Put((*[copyBuffer]byte)(p)) }
