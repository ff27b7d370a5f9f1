package virtual

import (
	"testing"

	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/contracttest"
)

func TestListsKeepTheContract(t *testing.T) {
	contracttest.AccessList(t, func(*testing.T) contracttest.AccessListFixture {
		l := NewLists("one", "two")
		return contracttest.AccessListFixture{
			Provider: l, List: "one", OtherList: "two", Missing: "three",
			Entries: func(_ *testing.T, list string) []providers.Entry { return l.Entries(list) },
			Reopen:  func(*testing.T) providers.AccessList { return l },
		}
	})
}

func TestPoolsKeepTheContract(t *testing.T) {
	const dead = 1
	alive := func(t providers.Target) bool { return t.Port != dead }
	behind := func(port int32) func(*testing.T, string) providers.Target {
		return func(_ *testing.T, instance string) providers.Target {
			return providers.Target{Instance: instance, Address: "127.77.0.1", Port: port, Weight: 1}
		}
	}
	contracttest.Balancer(t, func(*testing.T) contracttest.BalancerFixture {
		p := NewPools(PoolsConfig{Alive: alive}, "one", "two")
		return contracttest.BalancerFixture{
			Provider: p, Pool: "one", OtherPool: "two", Missing: "three",
			Answering: behind(80), Dead: behind(dead),
			Traffic: func(_ *testing.T, pool string) []string {
				var served []string
				for _, t := range p.Targets(pool) {
					if !t.Drain && alive(t) {
						served = append(served, t.Instance)
					}
				}
				return served
			},
		}
	})
}
