package metrics

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asctl/as/internal/bubble"
)

// sinceAgo is for how long the leader has had all samples, in seconds.
func (net *shipnet) sinceAgo() int64 {
	since, _ := net.leader().store.knownSince("", seriesKey{}, 0)
	return int64(clockNow()/1e6) - since
}

// run puts a sample each 100 ms at the leader.
func (net *shipnet) run(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		net.put(net.leader())
	}
}

// kill ends the node's process; it comes back with an empty memory.
func (net *shipnet) kill(n *shipnode) {
	n.resign()
	net.mu.Lock()
	n.start()
	net.mu.Unlock()
}

func inShipnet(t *testing.T, nodes int, seed int64, f func(net *shipnet)) {
	t.Helper()
	bubble.Test(t, func(t *testing.T) {
		net := newShipnet(t, nodes, seed)
		defer net.end()
		f(net)
	})
}

func TestNextLeaderHasTheWholeWindow(t *testing.T) {
	inShipnet(t, 3, 1, func(net *shipnet) {
		net.elect(net.nodes[0], 0)
		net.run(30 * time.Second)
		for n := range 6 {
			if n%2 == 0 {
				net.kill(net.leader())
			} else {
				net.leader().resign() // a hand-over
			}
			time.Sleep(300 * time.Millisecond)
			net.elect(net.nodes[(n+1)%3], 0)
			net.check("after a fail-over")
			net.run(20 * time.Second)
			if ago := net.sinceAgo(); ago < 45 {
				t.Errorf("leader %d has all samples of the last %d s", n+2, ago)
			}
		}
		net.check("at the end")
		if n := net.confirmations(); n < 1400 {
			t.Errorf("%d samples were confirmed", n)
		}
	})
}

func TestLeaderThatMayMissSamplesBeginsAnew(t *testing.T) {
	for name, c := range map[string]struct {
		before func(net *shipnet)
		skip   uint64
	}{
		"it was not heard of for too long": {before: func(net *shipnet) {
			net.leader().resign()
			time.Sleep(shipLease)
		}},
		"somebody may have led meanwhile": {before: func(net *shipnet) { net.leader().resign() }, skip: 1},
		"it was away and came back just now": {before: func(net *shipnet) {
			net.setCut(net.nodes[0], net.nodes[1], true)
			net.run(5 * time.Second)
			net.leader().resign()
			net.setCut(net.nodes[0], net.nodes[1], false)
		}},
		"it restarted": {before: func(net *shipnet) {
			net.kill(net.nodes[1])
			net.run(50 * time.Millisecond)
			net.leader().resign()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inShipnet(t, 3, 1, func(net *shipnet) {
				net.elect(net.nodes[0], 0)
				net.run(20 * time.Second)
				c.before(net)
				net.elect(net.nodes[1], c.skip)
				net.check("after the election")
				if ago := net.sinceAgo(); ago > 0 {
					t.Errorf("it has all samples of the last %d s", ago)
				}
			})
		})
	}
}

func TestPutIsConfirmedByAMajorityOnly(t *testing.T) {
	inShipnet(t, 3, 1, func(net *shipnet) {
		n := net.nodes
		net.elect(n[0], 0)
		net.run(time.Second)
		for _, other := range n[1:] {
			net.setCut(n[0], other, true)
		}
		before := net.confirmations()
		net.put(n[0])
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if net.confirmations() != before {
			t.Error("a leader without the others confirmed a sample")
		}
		net.setCut(n[0], n[1], false)
		time.Sleep(time.Second)
		net.put(n[0])
		time.Sleep(100 * time.Millisecond)
		if net.confirmations() != before+1 {
			t.Error("a majority is there and a sample is not confirmed at once")
		}
	})
}

func TestNodesOfAnOlderVersionTakeNoParcels(t *testing.T) {
	inShipnet(t, 3, 1, func(net *shipnet) {
		net.nodes[1].old, net.nodes[2].old = true, true
		net.elect(net.nodes[0], 0)
		net.run(2 * time.Second)
		if net.confirmations() < 15 {
			t.Errorf("%d samples confirmed among older nodes", net.confirmations())
		}
	})
}

func TestNodeThatIsBehindCatchesUpAndFarBehindBeginsAnew(t *testing.T) {
	for _, size := range []int{1, 100} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			inShipnet(t, 3, 1, func(net *shipnet) {
				n := net.nodes
				net.elect(n[0], 0)
				net.run(10 * time.Second)
				net.setCut(n[0], n[1], true)
				for range 60 {
					batch := make([]Sample, 10*size)
					for i := range batch {
						batch[i] = Sample{Metric: fmt.Sprint("metric-", i%2, "-of-a-long-name"), Value: 1}
					}
					net.wg.Go(func() { _, _ = n[0].shipper.Put(context.Background(), "g", batch) })
					time.Sleep(100 * time.Millisecond)
				}
				net.setCut(n[0], n[1], false)
				time.Sleep(5 * time.Second)
				n[0].shipper.mu.Lock()
				if kept := n[0].shipper.bytes; kept > maxShipKept {
					net.t.Errorf("%d bytes are kept", kept)
				}
				n[0].shipper.mu.Unlock()
				n[0].resign()
				net.elect(n[1], 0)
				net.check("after the election")
				if got, want := n[1].store.count("g"), int64(600*size); size == 1 && got != want {
					t.Errorf("%d of %d samples", got, want)
				}
				if ago := net.sinceAgo(); (ago > 14) != (size == 1) || ago < 4 {
					t.Errorf("%d samples at once: it has all samples of the last %d s", 10*size, ago)
				}
			})
		})
	}
}

// Whatever the network does and whoever leads, a leader has every confirmed
// sample of the time of which it says so, once.
func TestLeaderKnowsWhatItMisses(t *testing.T) {
	seeds := int64(24)
	if testing.Short() {
		seeds = 9
	}
	whole := 0
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inShipnet(t, []int{3, 3, 5}[seed%3], seed, func(net *shipnet) {
				r := func(n int) int { // the network draws from the same source
					net.mu.Lock()
					defer net.mu.Unlock()
					return net.rand.Intn(n)
				}
				for range 80 {
					a, b := net.nodes[r(len(net.nodes))], net.nodes[r(len(net.nodes))]
					switch what := r(20); {
					case what < 3:
						if net.elect(a, uint64(r(8)/7)) {
							if net.sinceAgo() > 3 {
								whole++
							}
						}
					case what < 5 && a != b:
						net.setCut(a, b, true)
					case what < 7:
						net.mu.Lock()
						clear(net.cut)
						net.mu.Unlock()
					case what == 7:
						net.kill(a)
					}
					for range r(10) {
						for _, n := range net.nodes {
							if n.stop != nil { // also one that was deposed and does not know
								net.put(n)
							}
						}
						time.Sleep(time.Duration(r(60)) * time.Millisecond)
					}
					time.Sleep(time.Duration(r(4)*r(4)) * 100 * time.Millisecond)
					net.check(fmt.Sprintf("seed %d", seed))
				}
			})
		})
	}
	if whole == 0 {
		t.Error("no leader ever had what the one before it had")
	}
}

var _ Carrier = (*shipnode)(nil)
