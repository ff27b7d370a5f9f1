package cluster_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/test/cluster/nodes"
)

// TestWhatTheReadmeShowsWorks types the README's sections about reasons, hands
// and hooks into a shell, line by line.
func TestWhatTheReadmeShowsWorks(t *testing.T) {
	t.Parallel()
	tools := t.TempDir()
	for name, binary := range map[string]string{"asctl": asctl(), "as-webapp": webapp(), "as-receiver": receiver()} {
		if err := os.Symlink(binary, filepath.Join(tools, name)); err != nil {
			t.Fatal(err)
		}
	}
	path := "PATH=" + tools + ":" + os.Getenv("PATH")
	w := start(t, nodes.Options{
		Env: []string{path},
		// The cloud after the other providers of compute.
		Providers: strings.Replace(processProviders(), "  balancer:\n", "    sim: {type: sim, directory: {{.Shared}}/sim}\n  balancer:\n", 1),
	})
	ports, err := nodes.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	there := strings.NewReplacer("127.0.0.1:9090", ports[0], "127.0.0.1:7480", w.Nodes[0].HTTP)
	w.copyExamples(there)

	// What of the section before it the others rest on: a group that has scaled in.
	script := []string{"set -eux", "asctl apply -f examples/web.yaml --wait", "asctl rule execute web/add-two --wait", "asctl group set-desired web 3 --wait"}
	for _, section := range []string{"### Ask why", "### Step in by hand", "### Hold instances with hooks"} {
		for line := range strings.Lines(strings.Join(blocks(t, section), "")) {
			script = append(script, asTyped(there.Replace(strings.TrimSpace(line)), ports[0])...)
		}
	}
	// The notices that nobody listened to come with growing pauses, and those of an
	// instance in order.
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "-c", strings.Join(script, "\n"))
	c.Dir, c.WaitDelay = w.Dir, time.Second
	c.Env = append(os.Environ(), path, "AS_ADDR="+strings.Join(w.GRPCAddresses(), ","), "NO_COLOR=1")
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if out, _ := w.asctl("group", "list", "-o", "name"); out != "" {
		t.Errorf("groups are left: %s", out)
	}
}

// asTyped is a line as a person types it, who waits for what comes, and has
// another terminal for what stays.
func asTyped(line, listen string) []string {
	switch {
	case strings.HasPrefix(line, "as-receiver "):
		host, port, _ := strings.Cut(listen, ":")
		return []string{
			line + " --listen " + listen + " &", "trap 'kill $!' EXIT",
			"until (: < /dev/tcp/" + host + "/" + port + ") 2> /dev/null; do sleep 0.1; done",
		}
	case strings.HasPrefix(line, "asctl hook pending hooked"):
		return []string{"until [ $(asctl hook pending hooked -o name | wc -l) = 2 ]; do sleep 0.2; done", line}
	}
	return []string{line}
}

func (w *world) copyExamples(there *strings.Replacer) {
	w.Helper()
	for _, name := range []string{"web.yaml", "hooks.yaml"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "examples", name))
		if err == nil {
			err = os.MkdirAll(filepath.Join(w.Dir, "examples"), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(w.Dir, "examples", name), []byte(there.Replace(string(text))), 0o600)
		}
		if err != nil {
			w.Fatal(err)
		}
	}
}

// blocks are the shown commands of a section of the README.
func blocks(t *testing.T, heading string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), heading+"\n")
	if !ok {
		t.Fatalf("the README has no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n#")
	var found []string
	for n, part := range strings.Split(section, "```\n") {
		if n%2 == 1 {
			found = append(found, part)
		}
	}
	if len(found) == 0 {
		t.Fatalf("section %q shows no commands", heading)
	}
	return found
}
