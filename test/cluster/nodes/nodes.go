// Package nodes runs a cluster of real asserver processes on loopback: for
// tests, the benchmarks and the demo. It knows the command line, the
// configuration file and the HTTP surface, and nothing of the code inside.
package nodes

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/template"
	"time"
)

// Options say what to run.
type Options struct {
	Binary string // asserver
	Dir    string // everything the cluster writes is below it
	Size   int    // 3 when 0
	// Providers is the "providers:" part of the configuration files, a template
	// over the Node. Empty: DefaultProviders.
	Providers string
	Env       []string // added to the nodes' environment
	LogLevel  string   // info when empty
	Args      []string // added to the command line
	// EnvOf is added to the environment of one node; nil: nothing.
	EnvOf func(id string) []string
	// Hosts puts each node on a host of its own; nil: all share loopback.
	Hosts []Host
}

// Host is where one node runs.
type Host struct {
	IP      string
	Command []string // what runs a command there, e.g. ip netns exec n1
	Data    string   // the data directory; empty: one below Options.Dir
}

// DefaultProviders has one of each kind; the directories are shared by the
// nodes, the balancer's listener is each node's own.
const DefaultProviders = `
providers:
  compute:
    local: {type: process, directory: {{.Shared}}/instances, address-pool: 127.77.0.0/16}
    sim: {type: sim, directory: {{.Shared}}/sim}
  balancer:
    edge: {type: builtin, pools: {web: {listen: "{{.Balancer}}", mode: http}}}
  access-list:
    files: {type: file, directory: {{.Shared}}/access}
`

// Cluster is a set of nodes.
type Cluster struct {
	Dir   string
	Nodes []*Node
}

// Node is one asserver process, running or not.
type Node struct {
	ID, GRPC, HTTP, Raft, Balancer string
	Shared                         string // directory shared by all nodes
	Dir                            string
	Data                           string // the data directory

	options Options
	command []string // what starts a program on the node's host
	mu      sync.Mutex
	cmd     *exec.Cmd
	ended   chan struct{} // closed when cmd has been waited for
}

// New writes the configuration files of a cluster; it starts nothing.
func New(o Options) (*Cluster, error) {
	if o.Size == 0 {
		o.Size = 3
	}
	if o.Providers == "" {
		o.Providers = DefaultProviders
	}
	if o.LogLevel == "" {
		o.LogLevel = "info"
	}
	addresses, err := o.addresses()
	if err != nil {
		return nil, err
	}
	if err := makeSecret(o.Dir); err != nil {
		return nil, err
	}
	c := &Cluster{Dir: o.Dir}
	var initial []string
	for i := range o.Size {
		n := &Node{
			ID: fmt.Sprintf("n%d", i+1), options: o,
			GRPC: addresses[4*i], HTTP: addresses[4*i+1], Raft: addresses[4*i+2], Balancer: addresses[4*i+3],
			Shared: o.Dir, Dir: filepath.Join(o.Dir, fmt.Sprintf("n%d", i+1)),
		}
		n.Data = filepath.Join(n.Dir, "data")
		if o.Hosts != nil {
			n.command = o.Hosts[i].Command
			if o.Hosts[i].Data != "" {
				n.Data = o.Hosts[i].Data
			}
		}
		c.Nodes = append(c.Nodes, n)
		initial = append(initial, n.ID+"="+n.Raft)
	}
	for _, n := range c.Nodes {
		if err := n.writeConfig(strings.Join(initial, ",")); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// addresses are four of each node: gRPC, HTTP, Raft and the balancer's.
func (o Options) addresses() ([]string, error) {
	if o.Hosts == nil {
		return FreePorts(4 * o.Size)
	}
	var addresses []string
	for _, h := range o.Hosts {
		for _, port := range []string{"7400", "7480", "7490", "7500"} {
			addresses = append(addresses, net.JoinHostPort(h.IP, port))
		}
	}
	return addresses, nil
}

func (n *Node) writeConfig(initial string) error {
	var providers bytes.Buffer
	t, err := template.New("providers").Parse(n.options.Providers)
	if err != nil {
		return err
	}
	if err := t.Execute(&providers, n); err != nil {
		return err
	}
	config := fmt.Sprintf("node-id: %s\ndata-dir: %s\ngrpc-addr: %s\nhttp-addr: %s\nraft-addr: %s\ninitial-cluster: %s\ncluster-secret: {file: %s}\nlog-level: %s\n%s",
		n.ID, n.Data, n.GRPC, n.HTTP, n.Raft, initial, secretFile(n.Shared), n.options.LogLevel, providers.String())
	if err := os.MkdirAll(n.Dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(n.ConfigFile(), []byte(config), 0o600)
}

func secretFile(dir string) string { return filepath.Join(dir, "cluster-secret") }

// makeSecret makes the secret that the nodes share.
func makeSecret(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(secretFile(dir), []byte(rand.Text()+"\n"), 0o600)
}

// ConfigFile is the node's configuration file.
func (n *Node) ConfigFile() string { return filepath.Join(n.Dir, "asserver.yaml") }

// LogFile is where the node's output goes, over all its runs.
func (n *Node) LogFile() string { return filepath.Join(n.Dir, "log") }

// Start starts every node that does not run.
func (c *Cluster) Start() error {
	for _, n := range c.Nodes {
		if err := n.Start(); err != nil {
			return err
		}
	}
	return nil
}

// Start starts the process; it does not wait until it is ready.
func (n *Node) Start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd != nil {
		select {
		case <-n.ended: // by itself
		default:
			return nil
		}
	}
	log, err := os.OpenFile(n.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	line := append(slices.Clone(n.command), n.options.Binary, "--config", n.ConfigFile())
	line = append(line, n.options.Args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), n.options.Env...)
	if n.options.EnvOf != nil {
		cmd.Env = append(cmd.Env, n.options.EnvOf(n.ID)...)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	n.cmd, n.ended = cmd, ended
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(ended)
	}()
	return nil
}

// Running says whether the process runs.
func (n *Node) Running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return false
	}
	select {
	case <-n.ended:
		return false
	default:
		return true
	}
}

// Pid is the process's id, 0 when none was started.
func (n *Node) Pid() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return 0
	}
	return n.cmd.Process.Pid
}

// Kill ends the process with SIGKILL and waits until it is gone.
func (n *Node) Kill() { n.end(syscall.SIGKILL, 0) }

// Stop ends the process with SIGTERM and waits; after 20 seconds it kills it.
func (n *Node) Stop() { n.end(syscall.SIGTERM, 20*time.Second) }

// Signal sends a signal, e.g. SIGSTOP.
func (n *Node) Signal(s os.Signal) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return errors.New("not started")
	}
	return n.cmd.Process.Signal(s)
}

func (n *Node) end(s os.Signal, patience time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cmd == nil {
		return
	}
	_ = n.cmd.Process.Signal(s) // it may have ended already
	if patience > 0 {
		select {
		case <-n.ended:
		case <-time.After(patience):
			_ = n.cmd.Process.Kill()
		}
	}
	<-n.ended
	n.cmd = nil
}

// Stop stops all nodes.
func (c *Cluster) Stop() {
	var wait sync.WaitGroup
	for _, n := range c.Nodes {
		wait.Go(n.Stop)
	}
	wait.Wait()
}

// Status is what GET /v1/cluster answers.
type Status struct {
	ClusterID string `json:"clusterId"`
	Leader    string `json:"leader"`
	Term      string `json:"term"`
	Nodes     []struct {
		ID           string `json:"id"`
		Role         string `json:"role"`
		Health       string `json:"health"`
		AppliedIndex string `json:"appliedIndex"`
	} `json:"nodes"`
}

var client = &http.Client{Timeout: 2 * time.Second}

// Get reads a REST path of the node into answer (nil: the body is dropped).
func (n *Node) Get(ctx context.Context, path string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.HTTP+path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s: %s", path, response.Status, bytes.TrimSpace(body))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(body, answer)
}

// WaitReady waits until every running node is ready.
func (c *Cluster) WaitReady(ctx context.Context) error {
	for _, n := range c.Nodes {
		if !n.Running() {
			continue
		}
		if err := n.WaitReady(ctx); err != nil {
			return err
		}
	}
	return nil
}

// WaitReady waits until the node answers 200 at /readyz.
func (n *Node) WaitReady(ctx context.Context) error {
	for {
		err := n.Get(ctx, "/readyz", nil)
		if err == nil {
			return nil
		}
		if !n.Running() {
			return fmt.Errorf("%s has ended; its log is %s", n.ID, n.LogFile())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", n.ID, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Leader waits until a running node that leads says so itself.
func (c *Cluster) Leader(ctx context.Context) (*Node, error) {
	for {
		for _, n := range c.Nodes {
			if !n.Running() {
				continue
			}
			var status Status
			if n.Get(ctx, "/v1/cluster", &status) == nil && status.Leader == n.ID {
				return n, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("no leader: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Followers are the running nodes but the given one.
func (c *Cluster) Followers(leader *Node) []*Node {
	var followers []*Node
	for _, n := range c.Nodes {
		if n != leader && n.Running() {
			followers = append(followers, n)
		}
	}
	return followers
}

// GRPCAddresses are the gRPC addresses of all nodes.
func (c *Cluster) GRPCAddresses() []string {
	var addresses []string
	for _, n := range c.Nodes {
		addresses = append(addresses, n.GRPC)
	}
	return addresses
}
