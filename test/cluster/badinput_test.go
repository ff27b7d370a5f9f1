package cluster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// good is a manifest; the bad ones are made from it.
const good = `kind: Configuration
metadata:
  name: web
spec:
  provider: sim
---
kind: Group
metadata:
  name: web
spec:
  minSize: 1
  maxSize: 3
  configuration:
    name: web
  accessLists:
    - {provider: files, list: db}
---
kind: Rule
metadata:
  name: add-one
  group: web
spec:
  simple:
    adjustmentType: CHANGE_IN_CAPACITY
    adjustment: 1
`

const badInputProviders = `
providers:
  compute:
    sim: {type: sim, directory: {{.Shared}}/sim}
  balancer:
    edge: {type: builtin, pools: {web: {listen: "{{.Balancer}}", mode: http}}}
  access-list:
    files: {type: file, directory: {{.Shared}}/access}
`

// TestBadInputIsRefusedWithAReasonAndLosesNothing gives the command line, the
// API and the server what they cannot use.
func TestBadInputIsRefusedWithAReasonAndLosesNothing(t *testing.T) {
	t.Parallel()
	w := start(t, nodes.Options{Providers: badInputProviders})
	if out, code := w.asctl("apply", "-f", w.file("good.yaml", good)); code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	w.awaitSettled("web", 1)
	before := w.recorded()
	each := func(name string, run func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			run(t)
			if after := w.recorded(); after != before {
				t.Errorf("the state has changed from\n%s\nto\n%s", before, after)
			}
		})
	}
	// A list that cannot be written: root can write any file, so it is none.
	if err := os.MkdirAll(filepath.Join(w.Dir, "access", "stone.txt"), 0o755); err != nil {
		t.Fatal(err)
	}

	for _, m := range []struct {
		name, old, new string
		code           int
		want           []string
	}{
		{"unknown field", "maxSize: 3", "maxSize: 3\n  maxSise: 3", 1, []string{"bad.yaml:13:3", `unknown field "maxSise"`}},
		{"min above max", "maxSize: 3", "maxSize: 0", 1, []string{"bad.yaml:11:", "minSize 1 is above maxSize 0"}},
		{"negative size", "minSize: 1", "minSize: -1", 1, []string{"bad.yaml:11:12", "min_size", "0"}},
		{"broken YAML", "spec:\n  minSize", "spec: [\n  minSize", 1, []string{"bad.yaml:"}},
		{"wrong enum", "maxSize: 3", "maxSize: 3\n  zonePolicy: SOMEHOW", 1, []string{"bad.yaml:13:15", "SOMEHOW", "BALANCED"}},
		{"unknown kind", "kind: Rule", "kind: Ruler", 1, []string{"bad.yaml:18:", "Ruler"}},
		{"unknown provider", "provider: sim", "provider: cloud-nine", 1, []string{"bad.yaml:5:", "Configuration web", "cloud-nine", "INVALID_ARGUMENT"}},
		{"unknown pool", "maxSize: 3", "maxSize: 3\n  balancers: [{provider: edge, pool: nope}]", 4, []string{"bad.yaml:13:", "pool nope", "DEPENDENCY_MISSING"}},
		{"unknown list provider", "{provider: files, list: db}", "{provider: paper, list: db}", 4, []string{"bad.yaml:16:", "paper", "DEPENDENCY_MISSING"}},
		{"unwritable list", "{provider: files, list: db}", "{provider: files, list: stone}", 4, []string{"stone", "DEPENDENCY_MISSING"}},
		{"unknown configuration", "    name: web\n  accessLists", "    name: nope\n  accessLists", 4, []string{"nope"}},
		{"10 MB in a field", "maxSize: 3", "maxSize: 3\n  propagatedLabels: [" + strings.Repeat("x", 10<<20) + "]", 1, []string{"bad.yaml:13:", "63"}},
		{"10 MB in a label", "name: web\nspec:\n  minSize", "name: web\n  labels: {a: " + strings.Repeat("x", 10<<20) + "}\nspec:\n  minSize", 1, []string{"bad.yaml:7:", "Group web", "4194304"}},
	} {
		each("manifest: "+m.name, func(t *testing.T) {
			out, code := w.asctl("apply", "-f", w.file("bad.yaml", strings.Replace(good, m.old, m.new, 1)))
			expect(t, out, code, m.code, m.want)
			if len(out) > 4<<10 {
				t.Errorf("the message has %d bytes: %.300s", len(out), out)
			}
		})
	}

	for _, c := range []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"unknown rule", []string{"rule", "execute", "web/nope"}, 3, []string{"web/rules/nope", "NOT_FOUND"}},
		{"unknown ARI", []string{"rule", "execute", "ari:as:main:default:rule/web/nope"}, 3, []string{"nope", "NOT_FOUND"}},
		{"unknown group", []string{"group", "get", "nope"}, 3, []string{"groups/nope", "NOT_FOUND"}},
		{"desired above max", []string{"group", "set-desired", "web", "9"}, 4, []string{"9", "max_size 3", "OUT_OF_RANGE"}},
		{"desired is no number", []string{"group", "set-desired", "web", "many"}, 2, []string{"many"}},
		{"no such file", []string{"apply", "-f", "nowhere.yaml"}, 1, []string{"nowhere.yaml"}},
		{"unknown flag", []string{"group", "list", "--nope"}, 2, []string{"--nope"}},
		{"nobody listens", []string{"group", "list", "--addr", "127.0.0.1:1", "--timeout", "2s"}, 6, []string{"127.0.0.1:1"}},
	} {
		each("asctl: "+c.name, func(t *testing.T) {
			out, code := w.asctl(c.args...)
			expect(t, out, code, c.code, c.want)
		})
	}

	big := `{"maxSize": 1, "labels": {"a": "` + strings.Repeat("x", 10<<20) + `"}}`
	groupsPath, configurations := "/v1/namespaces/default/groups?groupId=new", "/v1/namespaces/default/configurations?configurationId=new"
	for _, r := range []struct {
		name, path, body string
		code             int
		want             []string
	}{
		{"unknown field", groupsPath, `{"maxSize": 3, "nope": 1}`, 400, []string{`unknown field \"nope\"`, "INVALID_ARGUMENT"}},
		{"broken JSON", groupsPath, `{"maxSize": 3,`, 400, []string{"INVALID_ARGUMENT"}},
		{"no JSON", groupsPath, "kind: Group", 400, []string{"INVALID_ARGUMENT"}},
		{"min above max", groupsPath, `{"minSize": 3, "maxSize": 1}`, 400, []string{"3 is above max_size 1", "INVALID_ARGUMENT"}},
		{"negative size", groupsPath, `{"maxSize": -1}`, 400, []string{"max_size", "INVALID_ARGUMENT"}},
		{"size that is no number", groupsPath, `{"maxSize": "many"}`, 400, []string{"maxSize", "INVALID_ARGUMENT"}},
		{"wrong enum", groupsPath, `{"maxSize": 1, "zonePolicy": "SOMEHOW"}`, 400, []string{"zonePolicy", "SOMEHOW"}},
		{"unknown query parameter", groupsPath + "&color=red", `{"maxSize": 1}`, 400, []string{"color"}},
		{"bad id", "/v1/namespaces/default/groups?groupId=-x", `{"maxSize": 1}`, 400, []string{"group_id", "INVALID_ARGUMENT"}},
		{"10 MB", groupsPath, big, 413, []string{"4194304", "LIMIT_EXCEEDED"}},
		{"unknown provider", configurations, `{"provider": "cloud-nine"}`, 400, []string{"cloud-nine", "INVALID_ARGUMENT"}},
		{"unknown pool", groupsPath, `{"maxSize": 1, "configuration": {"name": "web"}, "balancers": [{"provider": "edge", "pool": "nope"}]}`, 400, []string{"pool nope", "DEPENDENCY_MISSING"}},
		{"unknown balancer", groupsPath, `{"maxSize": 1, "configuration": {"name": "web"}, "balancers": [{"provider": "nope", "pool": "web"}]}`, 400, []string{"nope", "DEPENDENCY_MISSING"}},
		{"unwritable list", groupsPath, `{"maxSize": 1, "configuration": {"name": "web"}, "accessLists": [{"provider": "files", "list": "stone"}]}`, 400, []string{"stone", "DEPENDENCY_MISSING"}},
		{"group that exists", "/v1/namespaces/default/groups?groupId=web", `{"maxSize": 1}`, 409, []string{"ALREADY_EXISTS"}},
		{"ARI of nothing", "/v1/rules:execute", `{"ari": "ari:as:main:default:rule/web/nope"}`, 404, []string{"web/rules/nope", "NOT_FOUND"}},
		{"ARI of another cluster", "/v1/rules:execute", `{"ari": "ari:as:other:default:rule/web/add-one"}`, 404, []string{"ari:as:other:default:rule/web/add-one", "NOT_FOUND"}},
		{"ARI of another kind", "/v1/rules:execute", `{"ari": "ari:as:main:default:group/web"}`, 400, []string{"ari:as:main:default:group/web"}},
		{"not an ARI", "/v1/rules:execute", `{"ari": "rule one"}`, 400, []string{"rule one", "INVALID_ARGUMENT"}},
		{"no such path", "/v1/nope", `{}`, 404, []string{"/v1/nope"}},
	} {
		each("REST: "+r.name, func(t *testing.T) {
			for _, n := range w.Nodes { // the leader, and those that forward
				code, answer := w.post(n, r.path, r.body)
				if code != r.code {
					t.Errorf("%s: status %d, want %d: %.600s", n.ID, code, r.code, answer)
				}
				expect(t, answer, 0, 0, r.want)
				var body struct {
					Details []struct{ Reason, Domain string }
				}
				if err := json.Unmarshal([]byte(answer), &body); err != nil || len(body.Details) == 0 || body.Details[0].Domain != "autoscaling" {
					t.Errorf("%s: not a google.rpc.Status with ErrorInfo: %.600s", n.ID, answer)
				}
			}
		})
	}
	each("gRPC: 10 MB", func(t *testing.T) {
		_, err := w.at(w.Nodes[0]).groups.CreateGroup(t.Context(), &pb.CreateGroupRequest{
			Parent: namespace, GroupId: "new", Group: &pb.Group{MaxSize: proto.Int32(1), Labels: map[string]string{"a": strings.Repeat("x", 10<<20)}},
		})
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("%v", err)
		}
	})
	w.badServers(each)
}

// expect looks for the exit code and the words of a message.
func expect(t *testing.T, out string, code, wantCode int, want []string) {
	t.Helper()
	if code != wantCode {
		t.Errorf("exit code %d, want %d: %.1500s", code, wantCode, out)
	}
	for _, part := range want {
		if !strings.Contains(out, part) {
			t.Errorf("%q is not in: %.1500s", part, out)
		}
	}
	for _, never := range []string{"panic", "goroutine ", "INTERNAL"} {
		if strings.Contains(out, never) {
			t.Errorf("%q is in: %.1500s", never, out)
		}
	}
}

func (w *world) file(name, text string) string {
	w.Helper()
	path := filepath.Join(w.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	return path
}

// asctl runs a command; it answers both outputs and the exit code.
func (w *world) asctl(args ...string) (out string, code int) {
	return w.command(asctl(), args...)
}

func (w *world) command(binary string, args ...string) (out string, code int) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, binary, args...)
	c.Env = append(os.Environ(), "AS_ADDR="+strings.Join(w.GRPCAddresses(), ","), "NO_COLOR=1")
	text, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.Fatalf("%s %s: %v", filepath.Base(binary), strings.Join(args, " "), err)
	}
	if ctx.Err() != nil {
		w.Errorf("%s %s did not end", filepath.Base(binary), strings.Join(args, " "))
	}
	return string(text), c.ProcessState.ExitCode()
}

var restClient = &http.Client{Timeout: 20 * time.Second}

func (w *world) post(n *nodes.Node, path, body string) (int, string) {
	w.Helper()
	response, err := restClient.Post("http://"+n.HTTP+path, "application/json", strings.NewReader(body))
	if err != nil {
		w.Errorf("POST %s: %v", path, err)
		return 0, ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.Errorf("POST %s: %v", path, err)
	}
	return response.StatusCode, string(text)
}

// recorded is all that users see of the state, but for activities: refusals are
// on record there.
func (w *world) recorded() string {
	w.Helper()
	var b bytes.Buffer
	for _, path := range []string{"configurations", "groups", "groups/web/rules", "groups/web/alarmTasks", "groups/web/scheduledTasks", "groups/web/instances"} {
		w.eventually("read "+path, func() error {
			var body json.RawMessage
			err := errors.New("no node runs")
			for _, n := range w.Nodes {
				if !n.Running() {
					continue
				}
				if err = n.Get(w.Context(), "/v1/"+namespace+"/"+path, &body); err == nil {
					break
				}
			}
			if err != nil {
				return err
			}
			if err := json.Compact(&b, body); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			b.WriteByte('\n')
			return nil
		})
	}
	return b.String()
}
