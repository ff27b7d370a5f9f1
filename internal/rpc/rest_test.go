package rpc

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	"github.com/asctl/as/internal/autoscaling"
	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// status is what a REST error says.
type restStatus struct {
	Code    codes.Code `json:"code"`
	Message string     `json:"message"`
	Details []struct {
		Type   string `json:"@type"`
		Reason string `json:"reason"`
		Domain string `json:"domain"`
	} `json:"details"`
}

func (s restStatus) reason() autoscaling.Reason {
	for _, d := range s.Details {
		if strings.HasSuffix(d.Type, "ErrorInfo") && d.Domain == "autoscaling" {
			return autoscaling.Reason(d.Reason)
		}
	}
	return ""
}

func (n *testNode) rest(method, path string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, body)
	r.Host = ownHost
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	n.server.HTTP().ServeHTTP(w, r)
	return w
}

func wantRESTError(t *testing.T, w *httptest.ResponseRecorder, status int, c codes.Code, r autoscaling.Reason) restStatus {
	t.Helper()
	var s restStatus
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatalf("%v in %q", err, w.Body)
	}
	if w.Code != status || s.Code != c || s.reason() != r || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v %q (%s), want %d %v %q", w.Code, s.Code, s.reason(), s.Message, status, c, r)
	}
	return s
}

func TestBodiesAreLimited(t *testing.T) {
	c := startCluster(t, 1)
	big := `{"maxSize": 5, "labels": {"a": "` + strings.Repeat("x", 10<<20) + `"}}`
	w := c.nodes[0].rest("POST", "/v1/namespaces/default/groups?groupId=web", strings.NewReader(big))
	wantRESTError(t, w, http.StatusRequestEntityTooLarge, codes.ResourceExhausted, autoscaling.LimitExceeded)
	w = c.nodes[0].rest("POST", "/v1/namespaces/default/groups?groupId=web", io.MultiReader(strings.NewReader("{"), brokenReader{}))
	wantRESTError(t, w, http.StatusBadRequest, codes.InvalidArgument, autoscaling.InvalidArgument)
	_, err := c.nodes[0].clients().CreateGroup(context.Background(), &pb.CreateGroupRequest{Parent: ns, GroupId: strings.Repeat("x", 10<<20)})
	if code := codeOf(err); code != codes.ResourceExhausted {
		t.Errorf("gRPC: %v", code)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestWhatIsNoTextIsAnsweredAsText(t *testing.T) {
	c := startCluster(t, 1)
	for _, path := range []string{"/v1/%ff", "/v1/namespaces/%ff/groups", "/v1/namespaces/default/groups?%ff=1", "/v1/namespaces/default/groups?filter=%ff", "/v1/namespaces/default/groups?pageSize=%ff"} {
		if w := c.nodes[0].rest("GET", path, nil); w.Code < 400 || w.Code >= 500 || !json.Valid(w.Body.Bytes()) || !utf8.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
}

func TestRESTPassesHeaders(t *testing.T) {
	c := startCluster(t, 2)
	setUp(t, c.nodes[0])
	c.serveAll()
	for _, n := range c.nodes {
		w := n.rest("GET", "/v1/"+web, nil)
		if w.Code != 200 || w.Header().Get("As-Applied-Index") != decimal(c.index) || w.Header().Get("As-Age-Ms") != "0" {
			t.Errorf("%s: %d %v", n.id, w.Code, w.Header())
		}
	}
	// Whoever sets the loop guard from outside is not a node.
	w := c.nodes[1].rest("POST", "/v1/"+web+"/rules/add-two:execute", nil, "As-Forwarded", "1", "Grpc-Metadata-As-Forwarded", "1", "As-Principal", "ann")
	var a struct {
		Trigger struct{ Principal string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 || a.Trigger.Principal != "ann" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestRESTErrorsKeepTheirHTTPStatus(t *testing.T) {
	c := startCluster(t, 2)
	setUp(t, c.nodes[0])
	for reason, want := range map[autoscaling.Reason]int{
		autoscaling.NotFound: 404, autoscaling.AlreadyExists: 409, autoscaling.EtagMismatch: 409, autoscaling.Cooldown: 400, autoscaling.OutOfRange: 400,
		autoscaling.LimitExceeded: 429, autoscaling.OutcomeUnknown: 503, autoscaling.NoLeader: 503, autoscaling.PermissionDenied: 403, autoscaling.Unauthenticated: 401,
	} {
		err := error(autoscaling.Errorf(reason, "because"))
		c.broken.Store(&err)
		wantRESTError(t, c.nodes[0].rest("POST", "/v1/"+web+":pause", nil), want, code(reason), reason)
	}
	err := errors.New("disk on fire")
	c.broken.Store(&err)
	if s := wantRESTError(t, c.nodes[0].rest("POST", "/v1/"+web+":pause", nil), 500, codes.Internal, "INTERNAL"); strings.Contains(s.Message, "fire") {
		t.Error(s.Message)
	}
}

func TestRESTWatchStreamsLines(t *testing.T) {
	c := startCluster(t, 2)
	server := httptest.NewServer(c.nodes[1].server.HTTP())
	defer server.Close()
	c.emit("default", "web", 2)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	get := func(query string) *http.Response {
		r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/v1/events:watch?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	// The header comes before any event.
	quiet := get("group=quiet&namespace=default&afterIndex=-1")
	if quiet.StatusCode != 200 || quiet.Header.Get("As-Applied-Index") == "" {
		t.Errorf("%v", quiet)
	}
	answer := get("afterIndex=1")
	lines := bufio.NewScanner(answer.Body)
	for _, want := range []string{"2", "3"} {
		if !lines.Scan() {
			t.Fatal("no line")
		}
		var line struct{ Result struct{ Index, Type string } }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Result.Index != want || line.Result.Type != "GROUP_UPDATED" {
			t.Errorf("%s %v", lines.Text(), err)
		}
		c.emit("default", "web", 1)
	}
}

func TestRESTWatchOfWhatIsNotKept(t *testing.T) {
	c := startCluster(t, 1)
	for range 11 {
		c.emit("default", "web", 10_000)
	}
	wantRESTError(t, c.nodes[0].rest("GET", "/v1/events:watch?afterIndex=1", nil), 400, codes.OutOfRange, autoscaling.OutOfRange)
}

func TestOperationalPages(t *testing.T) {
	problem := ""
	c := startCluster(t, 1, func(cfg *Config) {
		cfg.Ready = func() []Check { return []Check{{Name: "leader", Problem: problem}, {Name: "applied"}} }
	})
	setUp(t, c.nodes[0])
	get := func(path string, code int) string {
		t.Helper()
		w := c.nodes[0].rest("GET", path, nil)
		if w.Code != code {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	if got := get("/livez", 200); got != "ok\n" {
		t.Errorf("%q", got)
	}
	if got := get("/readyz", 200); got != "ok\n" {
		t.Errorf("%q", got)
	}
	if got := get("/readyz?verbose", 200); got != "[+] leader ok\n[+] applied ok\nok\n" {
		t.Errorf("%q", got)
	}
	problem = "none is known"
	if got := get("/readyz?verbose", 503); got != "[-] leader: none is known\n[+] applied ok\nnot ok\n" {
		t.Errorf("%q", got)
	}
	if !bytes.Equal([]byte(get("/openapi.json", 200)), pb.OpenAPI) {
		t.Error("another document")
	}
	if got := get("/metrics", 200); !strings.Contains(got, `autoscaling_rpc_requests_total{code="OK",method="CreateGroup"} 1`) {
		t.Error(got)
	}
}

// FuzzRESTBodies: whatever comes is answered by JSON with a status of the 2xx or
// 4xx kind, and never by an internal error.
func FuzzRESTBodies(f *testing.F) {
	for _, seed := range []string{
		`{"maxSize":5}`, `{"maxSize":5,"configuration":{"name":"web","version":"1"}}`, `{"healthCheck":{"probe":{"tcp":true}}}`, `{`, ``, `[]`, `null`, `"x"`,
		`{"labels":{"a":1}}`, "\xff", `{"desiredCapacity":-1e400}`, `{"zones":[{"zone":"` + strings.Repeat("z", 100) + `"}]}`, `{"etag":"\u0000"}`,
		`{"simple":{"adjustment":1}}`, `{"conditions":[{"time":"x"}]}`, `{"providerConfig":{"a":{"b":[1,{}]}},"provider":"sim"}`,
	} {
		f.Add(seed)
	}
	c := startCluster(f, 1)
	setUp(f, c.nodes[0])
	f.Fuzz(func(t *testing.T, body string) {
		for _, request := range []string{
			"POST /v1/namespaces/default/groups?groupId=fuzz&validateOnly=true", "PATCH /v1/" + web + "?validateOnly=true",
			"PATCH /v1/namespaces/default/configurations/web?validateOnly=true", "PATCH /v1/" + web + "/rules/add-two?validateOnly=true",
			"POST /v1/" + web + "/alarmTasks?alarmTaskId=fuzz&validateOnly=true", "POST /v1/" + web + "/metrics:put",
		} {
			method, path, _ := strings.Cut(request, " ")
			w := c.nodes[0].rest(method, path, strings.NewReader(body))
			if !json.Valid(w.Body.Bytes()) || w.Code >= 500 || w.Code < 200 {
				t.Errorf("%s %q: %d %s", request, body, w.Code, w.Body)
			}
		}
	})
}
