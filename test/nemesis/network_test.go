package nemesis_test

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/asctl/as/test/cluster/nodes"
)

// network joins the hosts of one lane by a bridge. Faults are rules of each
// host's own firewall, so that packets vanish without an error to anyone.
type network struct {
	t     *testing.T
	index int // of the lane; makes names and addresses its own

	mu    sync.Mutex
	rules map[string][]string // host → what it drops
}

// newNetwork makes a bridge and a host for each node.
func newNetwork(t *testing.T, index, size int) *network {
	t.Helper()
	n := &network{t: t, index: index, rules: map[string][]string{}}
	bridge := fmt.Sprintf("br%d", index)
	n.run("ip", "link", "add", bridge, "type", "bridge")
	n.run("ip", "addr", "add", fmt.Sprintf("10.77.%d.1/24", index), "dev", bridge)
	n.run("ip", "link", "set", bridge, "up")
	for i := range size {
		host := n.host(i)
		near := fmt.Sprintf("v%d-%d", index, i)
		n.run("ip", "netns", "add", host)
		n.run("ip", "link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", host)
		n.run("ip", "link", "set", near, "master", bridge, "up")
		n.run("ip", "-n", host, "link", "set", "lo", "up")
		n.run("ip", "-n", host, "addr", "add", n.ip(i)+"/24", "dev", "eth0")
		n.run("ip", "-n", host, "link", "set", "eth0", "up")
	}
	return n
}

func (n *network) host(i int) string { return fmt.Sprintf("lane%d-n%d", n.index, i+1) }
func (n *network) ip(i int) string   { return fmt.Sprintf("10.77.%d.%d", n.index, 11+i) }

func (n *network) hosts(size int, data func(i int) string) []nodes.Host {
	hosts := make([]nodes.Host, size)
	for i := range hosts {
		hosts[i] = nodes.Host{IP: n.ip(i), Command: []string{"ip", "netns", "exec", n.host(i)}, Data: data(i)}
	}
	return hosts
}

func (n *network) run(command ...string) {
	n.t.Helper()
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		n.t.Fatalf("%s: %v: %s", strings.Join(command, " "), err, out)
	}
}

// drop makes the host of node i drop what matches, until heal.
func (n *network) drop(i int, match string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rules[n.host(i)] = append(n.rules[n.host(i)], match+" drop")
	n.apply(n.host(i))
}

// oneWay drops what from sends to to.
func (n *network) oneWay(from, to int) { n.drop(to, "ip saddr "+n.ip(from)) }

// cut drops what two nodes send each other.
func (n *network) cut(a, b int) {
	n.oneWay(a, b)
	n.oneWay(b, a)
}

// isolate cuts a node from all others; callers still reach it.
func (n *network) isolate(i, size int) {
	for other := range size {
		if other != i {
			n.cut(i, other)
		}
	}
}

// heal removes all rules.
func (n *network) heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for host := range n.rules {
		n.rules[host] = nil
		n.apply(host)
	}
}

func (n *network) apply(host string) {
	script := "table inet nemesis\ndelete table inet nemesis\n"
	if rules := n.rules[host]; len(rules) > 0 {
		script += "table inet nemesis {\n chain in {\n  type filter hook input priority 0;\n  " + strings.Join(rules, "\n  ") + "\n }\n}\n"
	}
	cmd := exec.Command("ip", "netns", "exec", host, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		n.t.Errorf("nft at %s: %v: %s", host, err, out)
	}
}
