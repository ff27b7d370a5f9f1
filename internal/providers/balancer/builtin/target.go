package builtin

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/asctl/as/internal/providers"
)

const (
	dialTimeout = time.Second
	// idleTimeout closes kept connections before common servers do (Node.js after
	// 5 s): a request that meets a closing connection fails unless it can be
	// repeated.
	idleTimeout    = 4 * time.Second
	idlePerTarget  = 256
	firstSkip      = time.Second
	longestSkip    = 8 * time.Second
	maxHeaderBytes = 256 << 10
)

// targetKey tells targets apart. An instance with a new address is a new target.
type targetKey struct {
	instance string
	address  string
	port     int32
}

func keyOf(t providers.Target) targetKey { return targetKey{t.Instance, t.Address, t.Port} }

func (k targetKey) hostPort() string {
	if a, err := netip.ParseAddr(k.address); err == nil {
		return netip.AddrPortFrom(a, uint16(k.port)).String()
	}
	return net.JoinHostPort(k.address, strconv.Itoa(int(k.port)))
}

// target lives as long as it is in the pool's set and for what is still open.
type target struct {
	key       targetKey
	hostPort  string
	transport *http.Transport
	drained   func() // called when the last open request of a draining target ends

	open     atomic.Int32
	draining atomic.Bool
	admitted atomic.Bool // a first check of this node succeeded

	// A target that refused a connection is left out until then, longer each time.
	skipUntil atomic.Int64 // Unix nanoseconds; 0: not left out
	skipped   atomic.Int64 // for how long, the last time
}

func newTarget(key targetKey, drained func()) *target {
	dialer := &net.Dialer{Timeout: dialTimeout}
	return &target{
		key:      key,
		hostPort: key.hostPort(),
		drained:  drained,
		transport: &http.Transport{
			DialContext:            dialer.DialContext,
			MaxIdleConnsPerHost:    idlePerTarget,
			IdleConnTimeout:        idleTimeout,
			ExpectContinueTimeout:  time.Second,
			MaxResponseHeaderBytes: maxHeaderBytes,
			DisableCompression:     true,
		},
	}
}

// begin counts a request in, unless the target drains. Counting comes before
// looking: whoever set draining and then reads open sees this request, or this
// request sees draining.
func (t *target) begin() bool {
	t.open.Add(1)
	if t.draining.Load() {
		t.end()
		return false
	}
	return true
}

func (t *target) end() {
	if t.open.Add(-1) == 0 && t.draining.Load() {
		t.drained()
	}
}

// drain ends new traffic; connections that are kept idle are closed, and those
// in use when they become idle.
func (t *target) drain() {
	t.draining.Store(true)
	t.transport.CloseIdleConnections()
}

// failed leaves the target out for a while. Requests that fail together count
// once.
func (t *target) failed(now time.Time) {
	if now.UnixNano() < t.skipUntil.Load() {
		return
	}
	skip := min(max(2*time.Duration(t.skipped.Load()), firstSkip), longestSkip)
	t.skipped.Store(int64(skip))
	t.skipUntil.Store(now.Add(skip).UnixNano())
}

func (t *target) worked() {
	if t.skipped.Load() != 0 {
		t.skipped.Store(0)
		t.skipUntil.Store(0)
	}
	if !t.admitted.Load() {
		t.admitted.Store(true)
	}
}

// ready: this node has no reason to leave it out.
func (t *target) ready() bool {
	if !t.admitted.Load() {
		return false
	}
	until := t.skipUntil.Load()
	return until == 0 || until <= time.Now().UnixNano()
}
