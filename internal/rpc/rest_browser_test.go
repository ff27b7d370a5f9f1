package rpc

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/asctl/as/internal/autoscaling"
)

// browse sends a request as a browser or another program would, with a Host of
// its own.
func (n *testNode) browse(method, path, host, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	n.server.HTTP().ServeHTTP(w, r)
	return w
}

const ownHost = "127.0.0.1:7480"

func TestForeignHostsAreRefused(t *testing.T) {
	c := startCluster(t, 1, func(cfg *Config) { cfg.Hosts = []string{"as.example.net", "N1.Example.Net."} })
	setUp(t, c.nodes[0])
	for _, host := range []string{
		"127.0.0.1:7480", "10.1.2.3", "[::1]:7480", "localhost", "LocalHost:7480", "localhost.:7480",
		"as.example.net", "AS.example.net:8443", "n1.example.net:7480", "", // HTTP/1.0, as of health checks
	} {
		if w := c.nodes[0].browse("GET", "/v1/"+web, host, ""); w.Code != http.StatusOK {
			t.Errorf("Host %q: %d %s", host, w.Code, w.Body)
		}
	}
	for _, host := range []string{
		"rebind.evil.example:7480", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "as.example.net.evil.example",
		"x.as.example.net", "[evil]:7480", "127.0.0.1@evil.example", "evil.example:80:7480", ":7480", "localhost:x:y",
	} {
		for _, page := range []string{"GET /v1/" + web, "GET /metrics", "GET /openapi.json", "GET /readyz", "GET /nothing", "POST /v1/" + web + ":pause"} {
			method, path, _ := strings.Cut(page, " ")
			s := wantRESTError(t, c.nodes[0].browse(method, path, host, ""), 403, codes.PermissionDenied, autoscaling.PermissionDenied)
			if !strings.Contains(s.Message, "http-hosts") {
				t.Errorf("Host %q: %s", host, s.Message)
			}
		}
	}
}

// The case of the review: a page that the operator opens, in a simple request
// that no preflight announces.
func TestCrossSiteRequestsChangeNothing(t *testing.T) {
	c := startCluster(t, 1)
	setUp(t, c.nodes[0])
	const create = "/v1/namespaces/default/configurations?configurationId=evil"
	const body = `{"provider":"sim","command":["/bin/sh","-c","id > pwned"],"ports":[1]}`
	for _, header := range [][]string{
		{"Origin", "http://evil.example", "Content-Type", "text/plain"},
		{"Origin", "http://evil.example", "Content-Type", "application/json"},
		{"Origin", "null"},
		{"Origin", "http://127.0.0.1:7500"}, // a page of a pool, on the same host
		{"Origin", "http://localhost:7480"}, // another name of the same address
		{"Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain"},
		{"Sec-Fetch-Site", "same-site"},
		{"Sec-Fetch-Site", "cross-site", "Origin", "http://127.0.0.1:7480"},
		{"Sec-Fetch-Site", "nonsense"},
	} {
		for _, request := range []string{"POST " + create, "PATCH /v1/" + web, "DELETE /v1/" + web, "POST /v1/" + web + ":pause", "PUT /v1/" + web} {
			method, path, _ := strings.Cut(request, " ")
			wantRESTError(t, c.nodes[0].browse(method, path, ownHost, body, header...), 403, codes.PermissionDenied, autoscaling.PermissionDenied)
		}
		if w := c.nodes[0].browse("GET", "/v1/namespaces/default/configurations/evil", ownHost, ""); w.Code != 404 {
			t.Fatalf("%v: %d %s", header, w.Code, w.Body)
		}
	}
}

func TestSameOriginAndProgramsMayChange(t *testing.T) {
	c := startCluster(t, 1)
	setUp(t, c.nodes[0])
	for _, header := range [][]string{
		{},
		{"Content-Type", "application/x-www-form-urlencoded"}, // curl -d
		{"Content-Type", "text/plain"},
		{"Origin", "http://127.0.0.1:7480", "Content-Type", "application/json"},
		{"Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:7480", "Content-Type", "application/json; charset=utf-8"},
		{"Sec-Fetch-Site", "none", "Content-Type", "application/json"},
	} {
		w := c.nodes[0].browse("PATCH", "/v1/"+web+"?validateOnly=true", ownHost, `{"maxSize":6}`, header...)
		if w.Code != 200 {
			t.Errorf("%v: %d %s", header, w.Code, w.Body)
		}
	}
	if w := c.nodes[0].browse("POST", "/v1/"+web+":pause", ownHost, "", "Sec-Fetch-Site", "same-origin"); w.Code != 200 {
		t.Errorf("without a body: %d %s", w.Code, w.Body)
	}
}

func TestBrowsersSendJSON(t *testing.T) {
	c := startCluster(t, 1)
	setUp(t, c.nodes[0])
	for _, contentType := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/jsonx", "application/json;;"} {
		for _, header := range [][]string{{"Origin", "http://127.0.0.1:7480"}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}} {
			w := c.nodes[0].browse("PATCH", "/v1/"+web, ownHost, `{"maxSize":6}`, append(header, "Content-Type", contentType)...)
			wantRESTError(t, w, 415, codes.InvalidArgument, autoscaling.InvalidArgument)
		}
	}
}

func TestAnswersSayHowBrowsersMayUseThem(t *testing.T) {
	c := startCluster(t, 1)
	setUp(t, c.nodes[0])
	for _, request := range []string{"GET /v1/" + web, "GET /v1/nothing", "GET /metrics", "GET /openapi.json", "GET /readyz", "OPTIONS /v1/" + web, "POST /v1/" + web} {
		method, path, _ := strings.Cut(request, " ")
		h := c.nodes[0].browse(method, path, ownHost, "{").Header()
		for key, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		} {
			if h.Get(key) != want {
				t.Errorf("%s: %s is %q, want %q", request, key, h.Get(key), want)
			}
		}
		if h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s lets other origins read", request)
		}
	}
}

// A proxy that authorises by path must see the path that the server acts on.
func TestPathsAreWhatTheySeemToBe(t *testing.T) {
	c := startCluster(t, 1)
	setUp(t, c.nodes[0])
	for _, path := range []string{
		"/v1/namespaces/default%2Fgroups%2Fweb", "/v1/namespaces%2fdefault/groups/web", "/v1/namespaces/default/groups%5Cweb",
		"/v1/namespaces/other/%2e%2e/default/groups/web", "/v1/namespaces/default/groups/%2E/web", "/v1/namespaces/other/../default/groups/web",
		"/v1/namespaces/default/./groups/web", "/v1/namespaces/default/groups/web%3Apause", "/%76%31/namespaces/default%2Fgroups%2Fweb",
		"/v1/namespaces/default/groups/%00",
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			wantRESTError(t, c.nodes[0].browse(method, path, ownHost, ""), 400, codes.InvalidArgument, autoscaling.InvalidArgument)
		}
	}
	if w := c.nodes[0].browse("GET", "/v1/"+web, ownHost, ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"ACTIVE"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
