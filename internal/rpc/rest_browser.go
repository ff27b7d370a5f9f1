package rpc

import (
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/intake"
)

// A browser on the operator's machine reaches this server on behalf of any page
// that it shows, so neither loopback nor a firewall keeps such pages out. These
// checks do: a page whose name was pointed at this server (DNS rebinding) sends
// its own name as Host, and a page from elsewhere that sends a request says so in
// Origin or Sec-Fetch-Site, which a page cannot forge.

// guarded applies these checks to every request, and tells browsers what they
// may do with the answer.
func (s *Server) guarded(hosts []string, next http.Handler) http.Handler {
	own := hostNames(hosts)
	origins := http.NewCrossOriginProtection()
	refuse := func(w http.ResponseWriter, code int, reason autoscaling.Reason, format string, args ...any) {
		s.writeError(w, code, refusal(autoscaling.Errorf(reason, format, args...)))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer intake.FromContext(r.Context()).Clear()
		setBrowserPolicy(w.Header())
		switch {
		case !own.serve(r.Host):
			refuse(w, http.StatusForbidden, autoscaling.PermissionDenied,
				"the Host header names %q, which is neither an IP address, localhost nor a name in http-hosts", r.Host)
		case origins.Check(r) != nil:
			refuse(w, http.StatusForbidden, autoscaling.PermissionDenied,
				"%s was sent by a page of another site (Origin %q); only pages of this server may change something", r.Method, r.Header.Get("Origin"))
		case isFromBrowser(r) && r.ContentLength != 0 && !isJSON(r.Header.Get("Content-Type")):
			refuse(w, http.StatusUnsupportedMediaType, autoscaling.InvalidArgument,
				"the Content-Type %q is not accepted from a browser; send application/json", r.Header.Get("Content-Type"))
		case !isPlainPath(r.URL):
			refuse(w, http.StatusBadRequest, autoscaling.InvalidArgument,
				"the path %q must not have encoded slashes, colons or dots, dot segments or control characters", r.URL.EscapedPath())
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// setBrowserPolicy forbids browsers to guess types, to embed or frame what is
// served here in other pages, and to run anything in it. A handler that serves
// pages replaces the Content-Security-Policy.
func setBrowserPolicy(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
}

// names are the host names that the server is reached by, besides localhost and
// IP addresses, in lower case.
type names map[string]bool

func hostNames(hosts []string) names {
	own := names{"localhost": true}
	for _, host := range hosts {
		own[canonicalHost(host)] = true
	}
	return own
}

func canonicalHost(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// serve reports whether a Host header is one that the server is reached by; the
// port is ignored. An IP address cannot be rebound. No Host at all comes from an
// HTTP/1.0 client, such as a health check, and never from a browser.
func (n names) serve(host string) bool {
	if host == "" {
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	u, err := url.Parse("http://" + host)
	if err != nil || u.User != nil || u.Host != host {
		return false
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return true
	}
	return n[canonicalHost(u.Hostname())]
}

// isFromBrowser reports whether a browser sent a request that may change
// something: other programs set neither header.
func isFromBrowser(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
}

func isJSON(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && mediaType == "application/json"
}

// isPlainPath reports whether a path means to every proxy on the way what it
// means here: what separates its parts is written as it is, and nothing steps
// out of a part.
func isPlainPath(u *url.URL) bool {
	for _, c := range u.Path {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	escaped := u.EscapedPath()
	if !strings.Contains(escaped, "%") {
		return true
	}
	escaped = strings.ToLower(escaped)
	for _, code := range []string{"%2f", "%5c", "%3a", "%2e"} {
		if strings.Contains(escaped, code) {
			return false
		}
	}
	return true
}
