package process

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/asctl/as/internal/providers"
)

func TestPoolIsUsedUpWithoutCollision(t *testing.T) {
	directory := newDirectory(t)
	nodes := []*Provider{newNode(t, directory), newNode(t, directory)}
	for _, node := range nodes {
		node.pool = netip.MustParsePrefix("127.77.9.0/28")
	}
	const usable = 14
	var mu sync.Mutex
	taken := make(map[string]string)
	var wg sync.WaitGroup
	for i := range usable {
		wg.Go(func() {
			instance := fmt.Sprintf("i-%d", i)
			m, err := nodes[i%2].Ensure(t.Context(), fenceOf(1), sleeper(instance))
			if err != nil {
				t.Errorf("%s: %v", instance, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if holder := taken[m.Addresses[0]]; holder != "" {
				t.Errorf("%s and %s both have %s", holder, instance, m.Addresses[0])
			}
			taken[m.Addresses[0]] = instance
		})
	}
	wg.Wait()
	p := nodes[0]
	if _, err := p.Ensure(t.Context(), fenceOf(1), sleeper("i-more")); providers.ClassOf(err) != providers.OutOfCapacity {
		t.Errorf("error %v, want no capacity", err)
	}
	if err := p.Remove(t.Context(), fenceOf(1), "i-3"); err != nil {
		t.Fatal(err)
	}
	m, err := p.Ensure(t.Context(), fenceOf(1), sleeper("i-more"))
	if err != nil || taken[m.Addresses[0]] != "i-3" {
		t.Errorf("machine %+v, error %v: want the freed address", m, err)
	}
}

func TestPoolRange(t *testing.T) {
	for pool, want := range map[string][]string{
		"127.77.0.0/30": {"127.77.0.1", "127.77.0.2"},
		"127.77.0.4/31": {"127.77.0.4", "127.77.0.5"},
		"127.77.0.9/32": {"127.77.0.9"},
		"fd00::/126":    {"fd00::1", "fd00::2"},
	} {
		first, size := poolRange(netip.MustParsePrefix(pool))
		var got []string
		for n := range size {
			got = append(got, addressAt(first, n).String())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s has %v, want %v", pool, got, want)
		}
	}
	first, size := poolRange(netip.MustParsePrefix("127.77.0.0/16"))
	if last := addressAt(first, size-1).String(); last != "127.77.255.254" {
		t.Errorf("the last address is %s", last)
	}
	if _, size := poolRange(netip.MustParsePrefix("fd00::/64")); size > poolLimit {
		t.Errorf("a pool of %d addresses is searched", size)
	}
}
