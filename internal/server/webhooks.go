package server

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/asctl/as/internal/providers/notify/webhook"
)

// webhookAllow are the prefixes in WebhookAllow.
func (c *Config) webhookAllow() ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	var errs []error
	for _, text := range c.WebhookAllow {
		prefix, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("webhook-allow: %q is not a prefix, e.g. 127.0.0.0/8 or 10.0.0.1/32", text))
		case prefix != prefix.Masked():
			errs = append(errs, fmt.Errorf("webhook-allow: %q has bits beyond its length: give %s", text, prefix.Masked()))
		case prefix.Addr().Is4In6():
			errs = append(errs, fmt.Errorf("webhook-allow: %q is an IPv4 prefix written as IPv6: give it as IPv4", text))
		default:
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes, errors.Join(errs...)
}

// onLoopbackOnly reports whether nothing but this host reaches the server.
func (c *Config) onLoopbackOnly() bool {
	return isLoopback(c.GRPCAddr) && isLoopback(c.HTTPAddr) && isLoopback(c.RaftAddr)
}

// webhookReach is where webhooks may go. The configuration is valid.
func (n *Node) webhookReach() webhook.Reach {
	allow, _ := n.config.webhookAllow()
	return webhook.Reach{Loopback: n.config.onLoopbackOnly(), Allow: allow, Listeners: n.listeners}
}

// listeners are the addresses of this node and of all that it knows. The cluster's
// node is built after the client that asks, and runs before it sends anything.
func (n *Node) listeners() (local, nodes []string) {
	c := &n.config
	local = []string{c.GRPCAddr, c.HTTPAddr, c.RaftAddr}
	nodes = c.initialAddresses()
	for r := range n.cluster.View().Nodes() {
		nodes = append(nodes, r.GRPCAddress, r.HTTPAddress, r.RaftAddress)
	}
	return local, nodes
}
