package webhook

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/providers"
)

var secret = autoscaling.FormatWebhookSecret([]byte("0123456789abcdef0123456789abcdef"))

var notice = providers.Notice{
	ID: "msg_7", Source: "ari:as:main:default:group/web", Type: "as.instance_state", Subject: "ari:as:main:default:instance/web/i-1",
	Time: time.Date(2027, 1, 15, 8, 0, 0, 250_000_000, time.UTC), Data: []byte(`{"group":"web"}`),
}

// receiver is a server that answers by fn; its end does not wait for those who hang.
func receiver(t *testing.T, fn http.HandlerFunc) providers.Endpoint {
	t.Helper()
	// A server notices that its client is gone when it has read what was sent.
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		fn(w, r)
	}))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return providers.Endpoint{URL: s.URL + "/hook?token=tell-nobody", Secrets: []string{secret}, Timeout: 2 * time.Second}
}

func client(t *testing.T) *Client {
	t.Helper()
	c := New(Config{Reach: Reach{Loopback: true}})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestAnEventIsACloudEventSignedWithEverySecret(t *testing.T) {
	older := autoscaling.FormatWebhookSecret([]byte("fedcba9876543210fedcba9876543210"))
	to := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/cloudevents+json" {
			t.Errorf("%s %s %v", r.Method, r.Header, err)
		}
		var got map[string]any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Error(err)
		}
		want := map[string]any{
			"specversion": "1.0", "id": "msg_7", "source": "ari:as:main:default:group/web", "type": "as.instance_state",
			"subject": "ari:as:main:default:instance/web/i-1", "time": "2027-01-15T08:00:00.25Z", "datacontenttype": "application/json",
			"data": map[string]any{"group": "web"},
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		h := http.Header{}
		at, err := time.Parse(time.RFC3339, r.Header.Get("webhook-timestamp"))
		if err == nil {
			t.Errorf("the timestamp is %s, not seconds", at)
		}
		var seconds int64
		if _, err := fmt.Sscan(r.Header.Get("webhook-timestamp"), &seconds); err != nil || time.Since(time.Unix(seconds, 0)).Abs() > time.Minute {
			t.Errorf("timestamp %q %v", r.Header.Get("webhook-timestamp"), err)
		}
		if err := sign(h, []string{secret, older}, "msg_7", time.Unix(seconds, 0), body); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
			if r.Header.Get(name) != h.Get(name) {
				t.Errorf("%s is %q, not %q", name, r.Header.Get(name), h.Get(name))
			}
		}
		if n := len(strings.Fields(r.Header.Get("webhook-signature"))); n != 2 {
			t.Errorf("%d signatures", n)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	to.Secrets = []string{secret, older}
	if err := client(t).Notify(t.Context(), to, notice); err != nil {
		t.Fatal(err)
	}
}

// The vector is that of the libraries of Standard Webhooks.
func TestTheSignatureIsThatOfStandardWebhooks(t *testing.T) {
	h := http.Header{}
	err := sign(h, []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got := h.Get("webhook-signature"); err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%q %v", got, err)
	}
	if sign(h, nil, "x", time.Now(), nil) == nil || sign(h, []string{"whsec_x"}, "x", time.Now(), nil) == nil {
		t.Error("signed with nothing")
	}
}

func TestWhatAStatusMeans(t *testing.T) {
	for code, class := range map[int]providers.Class{
		200: "", 201: "", 202: "", 204: "", 299: "",
		300: providers.Failed, 301: providers.Failed, 302: providers.Failed, 303: providers.Failed, 304: providers.Failed, 307: providers.Failed, 308: providers.Failed,
		400: providers.Failed, 401: providers.Unauthorized, 403: providers.Unauthorized, 404: providers.Failed, 410: providers.Gone, 422: providers.Failed,
		429: providers.Throttled, 500: providers.Failed, 502: providers.Failed, 503: providers.Throttled, 504: providers.Failed, 599: providers.Failed,
	} {
		var calls atomic.Int32
		to := receiver(t, func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(code)
			_, _ = w.Write([]byte("secret body"))
		})
		err := client(t).Notify(t.Context(), to, notice)
		if class == "" && err != nil || class != "" && (err == nil || providers.ClassOf(err) != class || !strings.Contains(err.Error(), fmt.Sprint(code))) {
			t.Errorf("%d: %v", code, err)
		}
		if err != nil && (strings.Contains(err.Error(), "secret body") || strings.Contains(err.Error(), "tell-nobody")) {
			t.Errorf("%d: the message tells what is nobody's business: %v", code, err)
		}
		if err != nil && code >= 300 && code < 400 && !strings.Contains(err.Error(), "redirects are not followed") {
			t.Errorf("%d: %v does not say what to do", code, err)
		}
		if calls.Load() != 1 {
			t.Errorf("%d: %d calls", code, calls.Load())
		}
	}
}

func TestNoRedirectIsFollowedToAnotherHost(t *testing.T) {
	var reached atomic.Bool
	other := receiver(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	for _, code := range []int{301, 302, 303, 307, 308} {
		to := receiver(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, code) })
		if err := client(t).Notify(t.Context(), to, notice); err == nil {
			t.Errorf("%d is a success", code)
		}
	}
	if reached.Load() {
		t.Error("a redirect was followed")
	}
}

func TestRetryAfterIsReadAndBounded(t *testing.T) {
	now := time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "86400": time.Hour, "99999999999999999999": 0, "-5": 0, "soon": 0,
		now.Add(90 * time.Second).Format(http.TimeFormat): 90 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):       0,
		now.Add(48 * time.Hour).Format(http.TimeFormat):   time.Hour,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
	to := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "42")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	err := client(t).Notify(t.Context(), to, notice)
	if e, ok := errors.AsType[*providers.Error](err); !ok || e.RetryAfter != 42*time.Second {
		t.Errorf("%+v", err)
	}
}

func TestAReceiverThatHangsTakesNoLongerThanTheTimeout(t *testing.T) {
	for name, fn := range map[string]http.HandlerFunc{
		"says nothing": func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"stops in its headers": func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nX-"))
			t.Cleanup(func() { _ = conn.Close() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			to := receiver(t, fn)
			to.Timeout = 200 * time.Millisecond
			began := time.Now()
			err := client(t).Notify(t.Context(), to, notice)
			if err == nil || providers.ClassOf(err) != providers.UnknownOutcome || !strings.Contains(err.Error(), "no answer within 200ms") {
				t.Errorf("%v", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// A success is one when its status is there; what follows costs little.
func TestABodyThatNeverEndsHoldsNothingUp(t *testing.T) {
	to := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("."))
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	to.Timeout = 30 * time.Second
	began := time.Now()
	if err := client(t).Notify(t.Context(), to, notice); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestOfAGigabyteNextToNothingIsRead(t *testing.T) {
	for _, code := range []int{200, 500} {
		sent := make(chan int64, 1)
		to := receiver(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(code)
			var n int64
			block := make([]byte, 64<<10)
			for n < 1<<30 {
				m, err := w.Write(block)
				n += int64(m)
				if err != nil {
					break
				}
			}
			sent <- n
		})
		err := client(t).Notify(t.Context(), to, notice)
		if (err == nil) != (code == 200) {
			t.Errorf("%d: %v", code, err)
		}
		// What is under way in buffers of the system comes on top of the 64 KiB.
		if n := <-sent; n > 64<<20 {
			t.Errorf("%d: %d bytes were taken", code, n)
		}
	}
}

func TestHeadersWithoutEndAreAnError(t *testing.T) {
	to := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		for n := range 4096 {
			w.Header().Set(fmt.Sprintf("X-Much-%d", n), strings.Repeat("a", 100))
		}
	})
	if err := client(t).Notify(t.Context(), to, notice); err == nil {
		t.Error("taken")
	}
}

func TestConnectionsThatBreakOrAreRefusedAreErrorsWithoutTheURL(t *testing.T) {
	reset := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := providers.Endpoint{URL: "http://" + listener.Addr().String() + "/?token=tell-nobody", Secrets: []string{secret}, Timeout: time.Second}
	_ = listener.Close()
	nonsense := receiver(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_, _ = conn.Write([]byte("I do not speak HTTP\r\n\r\n"))
		_ = conn.Close()
	})
	for name, to := range map[string]providers.Endpoint{"reset": reset, "refused": refused, "nonsense": nonsense} {
		err := client(t).Notify(t.Context(), to, notice)
		if err == nil || providers.ClassOf(err) != providers.UnknownOutcome || strings.Contains(err.Error(), "tell-nobody") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Targets may be any address, and errors are shown to who reads notifications.
func TestErrorsTellNothingOfWhatCame(t *testing.T) {
	for name, answer := range map[string]string{
		"another protocol":     "SSH-2.0-tell-nobody\r\n",
		"a broken status":      "HTTP/1.1 2x4 tell-nobody\r\n\r\n",
		"a broken header":      "HTTP/1.1 200 OK\r\ntell-nobody\r\n\r\n",
		"a broken length":      "HTTP/1.1 200 OK\r\nContent-Length: tell-nobody\r\n\r\n",
		"a place that is none": "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://tell-nobody:%zz/\r\n\r\n",
	} {
		to := receiver(t, func(w http.ResponseWriter, r *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_, _ = conn.Write([]byte(answer))
			_ = conn.Close()
		})
		if err := client(t).Notify(t.Context(), to, notice); err == nil || strings.Contains(err.Error(), "tell-nobody") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCertificatesAreVerified(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	to := providers.Endpoint{URL: s.URL, Secrets: []string{secret}, Timeout: 5 * time.Second}
	if err := client(t).Notify(t.Context(), to, notice); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a stranger's certificate: %v", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c := New(Config{RootCAs: roots, Reach: Reach{Loopback: true}})
	defer c.Close()
	if err := c.Notify(t.Context(), to, notice); err != nil {
		t.Error(err)
	}
}

func TestTheEnvironmentsProxyIsNotUsed(t *testing.T) {
	if c := client(t); c.transport.Proxy != nil {
		t.Error("there is a proxy")
	}
}

func TestAnAttemptEndsWithItsContext(t *testing.T) {
	to := receiver(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	to.Timeout = 30 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := client(t).Notify(ctx, to, notice); err == nil {
		t.Error("taken")
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "thank you") }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := client(t)
	for range 20 {
		if err := c.Notify(t.Context(), providers.Endpoint{URL: s.URL, Secrets: []string{secret}, Timeout: time.Second}, notice); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

var _ providers.Notifier = (*Client)(nil)
