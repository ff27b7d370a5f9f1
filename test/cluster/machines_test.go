package cluster_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/asctl/as/test/cluster/nodes"
)

// What is looked at here is the world outside the service: processes, files and
// sockets, never what the service says of them.

func (w *world) instanceDir() string { return filepath.Join(w.Dir, "instances") }

// processes are the instances' processes that are alive now, by instance. A
// process is ours if it has the variable and works below this test's directory.
func (w *world) processes() map[string][]int {
	found := map[string][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		cwd, err := os.Readlink(filepath.Join("/proc", entry.Name(), "cwd"))
		if err != nil || !strings.HasPrefix(cwd, w.Dir+"/") {
			continue
		}
		environ, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		if err != nil {
			continue
		}
		for variable := range bytes.SplitSeq(environ, []byte{0}) {
			if id, ok := bytes.CutPrefix(variable, []byte("AS_INSTANCE=")); ok {
				found[string(id)] = append(found[string(id)], pid)
			}
		}
	}
	return found
}

// endInstances kills what instances are left, by pid.
func (w *world) endInstances() {
	for _, pids := range w.processes() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// machines are the instances that were ever made in the process directory:
// those that have a directory, and those that have a tombstone.
func (w *world) machines() map[string]bool {
	found := map[string]bool{}
	for _, id := range w.removed() {
		found[id] = true
	}
	entries, _ := os.ReadDir(w.instanceDir())
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "i-") {
			found[entry.Name()] = true
		}
	}
	return found
}

// removed are the instances that have a tombstone.
func (w *world) removed() []string {
	entries, _ := os.ReadDir(filepath.Join(w.instanceDir(), ".as", "removed"))
	var found []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "i-") {
			found = append(found, entry.Name())
		}
	}
	return found
}

// starts says how often an instance's command began, by its own log.
func (w *world) starts(instance string) int {
	text, err := os.ReadFile(filepath.Join(w.instanceDir(), instance, "log"))
	if err != nil {
		text, _ = os.ReadFile(filepath.Join(w.instanceDir(), ".as", "logs", instance+".log"))
	}
	return bytes.Count(text, []byte("listening on"))
}

// listed are the addresses in an access list's file, with the instance of each.
func (w *world) listed(list string) map[string]string {
	text, _ := os.ReadFile(filepath.Join(w.Dir, "access", list+".txt"))
	found := map[string]string{}
	for line := range strings.Lines(string(text)) {
		address, name, _ := strings.Cut(strings.TrimSpace(line), " # ")
		found[address] = name[strings.LastIndexByte(name, '/')+1:]
	}
	return found
}

var balancerClient = &http.Client{Timeout: 5 * time.Second}

// served are the instances that answer behind a node's balancer.
func (w *world) served(n *nodes.Node) []string {
	found := map[string]bool{}
	for range 12 { // more than any test has instances; it is a round robin
		response, err := balancerClient.Get("http://" + n.Balancer + "/")
		if err != nil {
			found["error: "+err.Error()] = true
			continue
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode == http.StatusOK {
			found[strings.TrimSpace(string(body))] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
