package server

import "testing"

// Loopback is for webhooks only while no other host reaches the server.
func TestWebhooksMayGoToLoopbackWhileTheServerListensThereOnly(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		want   bool
	}{
		"as it comes": {func(*Config) {}, true},
		"IPv6":        {func(c *Config) { c.HTTPAddr = "[::1]:7480" }, true},
		"localhost":   {func(c *Config) { c.GRPCAddr = "localhost:7400" }, true},
		"http":        {func(c *Config) { c.HTTPAddr = "192.0.2.1:7480" }, false},
		"all grpc":    {func(c *Config) { c.GRPCAddr = ":7400" }, false},
		"raft":        {func(c *Config) { c.RaftAddr = "0.0.0.0:7490" }, false},
	} {
		c := DefaultConfig()
		test.change(&c)
		n := &Node{config: c}
		if got := n.webhookReach().Loopback; got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}
