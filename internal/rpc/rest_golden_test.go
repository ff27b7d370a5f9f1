package rpc

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files with what is answered")

// TestRESTAnswersAsRecorded plays the scripts of testdata/rest: requests with the
// answers that they get. Lines that begin with # are comments. Each script has a
// cluster of its own. Together they reach every path of the API.
func TestRESTAnswersAsRecorded(t *testing.T) {
	reached := map[string]bool{"GET /v1/events:watch": true} // it does not end: see TestRESTWatch
	files, err := filepath.Glob("testdata/rest/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			played := play(t, startCluster(t, 2), string(script), reached)
			if *update {
				if err := os.WriteFile(file, []byte(played), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if played != string(script) {
				t.Errorf("%s has changed (run with -update to accept):\n%s", file, firstDifference(string(script), played))
			}
		})
	}
	for path := range queryParameters() {
		if !reached[path] {
			t.Errorf("no script reaches %s", path)
		}
	}
}

// play makes the requests of a script and writes it anew with the answers.
func play(t *testing.T, c *testCluster, script string, reached map[string]bool) string {
	var out strings.Builder
	for _, block := range strings.Split(strings.TrimSpace(script), "\n\n") {
		lines := strings.Split(block, "\n")
		var body []string
		var request string
		for _, line := range lines {
			switch {
			case strings.HasPrefix(line, "< "):
				goto answer
			case strings.HasPrefix(line, "#"):
				fmt.Fprintln(&out, line)
			case request == "":
				request = line
				fmt.Fprintln(&out, line)
			default:
				body = append(body, line)
				fmt.Fprintln(&out, line)
			}
		}
	answer:
		if request == "serve" { // what the scheduler would do meanwhile
			c.serveAll()
			fmt.Fprintln(&out)
			continue
		}
		if request == "drive" { // the same, step by step
			c.drive()
			fmt.Fprintln(&out)
			continue
		}
		if request == "give up" { // what targets did not take is dead
			c.giveUp()
			fmt.Fprintln(&out)
			continue
		}
		method, path, _ := strings.Cut(request, " ")
		r := httptest.NewRequest(method, path, strings.NewReader(strings.Join(body, "\n")))
		r.Host = ownHost
		w := httptest.NewRecorder()
		c.nodes[0].server.HTTP().ServeHTTP(w, r)
		fmt.Fprintf(&out, "< %d\n%s\n\n", w.Code, pretty(t, w.Body.Bytes()))
		if w.Code == http.StatusOK {
			noteReached(reached, method, r.URL.Path)
		}
	}
	return strings.TrimSpace(out.String()) + "\n"
}

func pretty(t *testing.T, body []byte) string {
	t.Helper()
	var compact, indented bytes.Buffer
	if err := json.Compact(&compact, body); err != nil {
		t.Errorf("%v in %q", err, body)
	}
	_ = json.Indent(&indented, compact.Bytes(), "", "  ")
	return indented.String()
}

// noteReached marks the pattern that a path belongs to.
func noteReached(reached map[string]bool, method, path string) {
	for key := range queryParameters() {
		m, pattern, _ := strings.Cut(key, " ")
		pattern = regexp.MustCompile(`\{[^=]+=([^}]+)\}`).ReplaceAllString(pattern, "$1")
		pattern = strings.ReplaceAll(pattern, "*", `[^/:]+`)
		if m == method && regexp.MustCompile("^"+pattern+"$").MatchString(path) {
			reached[key] = true
		}
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d: %q, was %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, were %d", len(g), len(w))
}
