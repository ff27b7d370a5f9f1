package builtin

import (
	"context"
	"net/http"
	"testing"

	"github.com/asctl/as/internal/providers"
)

// BenchmarkRequest is one client's request, straight to a target and through
// the pool; the difference is what the pool costs.
func BenchmarkRequest(b *testing.B) {
	host := freshHost()
	target := &http.Server{Addr: host + ":8080", Handler: named("i-1")}
	go func() { _ = target.ListenAndServe() }()
	defer target.Close()
	s, err := NewServer(Config{Pools: map[string]PoolConfig{web: {Listen: freshHost() + ":7500"}}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	defer func() { cancel(); <-done }()
	s.SetTargets(web, 1, []providers.Target{{Instance: "i-1", Address: host, Port: 8080}})
	soon(b, "it listens", func() bool { return s.Addr(web) != "" && admitted(s) == 1 })
	for name, addr := range map[string]string{"direct": target.Addr, "pool": s.Addr(web)} {
		b.Run(name, func(b *testing.B) {
			c := &client{addr: addr}
			defer c.close()
			for b.Loop() {
				if _, _, err := c.do(http.MethodGet, ""); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"-64", func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				c := &client{addr: addr}
				defer c.close()
				for pb.Next() {
					if _, _, err := c.do(http.MethodGet, ""); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
