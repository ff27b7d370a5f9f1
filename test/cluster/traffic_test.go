package cluster_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// TestClientsOfASurvivingNodeSeeNoFailure sends requests through the balancer of
// a node that stays, while the group scales in, an instance is killed, and the
// leader is killed.
func TestClientsOfASurvivingNodeSeeNoFailure(t *testing.T) {
	t.Parallel()
	w := start(t, nodes.Options{Providers: processProviders()})
	w.createConfiguration(webConfiguration())
	g := webGroup(4)
	g.HealthCheck.GracePeriod = seconds(1)
	w.createGroup("web", g)
	w.awaitSettled("web", 4)
	leader := w.leader()
	survivor := w.Followers(leader)[0]
	w.eventually("all four serve", func() error {
		if got := w.served(survivor); len(got) != 4 {
			return fmt.Errorf("%v do", got)
		}
		return nil
	})

	traffic := beginTraffic("http://" + survivor.Balancer + "/")
	phase := func(name string, run func()) {
		sent, failed := traffic.count()
		run()
		traffic.pass(200) // and on for a while
		nowSent, nowFailed := traffic.count()
		t.Logf("%s: %d requests, %d failed", name, nowSent-sent, nowFailed-failed)
	}
	phase("quiet", func() { traffic.pass(200) })
	phase("scale-in", func() {
		w.setDesired("web", 2)
		w.awaitSettled("web", 2)
	})
	phase("an instance is killed", func() {
		begin := w.feed.last()
		for id, pids := range w.processes() {
			if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			w.feed.await(begin, "replacement of "+id, attribute(of("web", pb.Event_ACTIVITY_STARTED), "kind", "REPLACE"))
			break
		}
		w.awaitSettled("web", 2)
	})
	phase("the leader is killed", func() {
		leader.Kill()
		w.leader()
	})
	phase("the leader is back", w.restart)
	sent, failed := traffic.end()
	if failed > 0 {
		t.Errorf("%d of %d requests failed, the last: %v", failed, sent, traffic.last)
	}
}

// traffic is a handful of clients that ask and ask.
type traffic struct {
	url    string
	client *http.Client
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu           sync.Mutex
	sent, failed int
	last         error
}

func beginTraffic(url string) *traffic {
	ctx, cancel := context.WithCancel(context.Background())
	l := &traffic{url: url, cancel: cancel, client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}}
	for range 4 {
		l.wait.Go(func() {
			tick := time.NewTicker(20 * time.Millisecond) // the instances are to be busy, not this machine
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				err := l.ask()
				l.mu.Lock()
				if l.sent++; err != nil {
					l.failed++
					l.last = err
				}
				l.mu.Unlock()
			}
		})
	}
	return l
}

func (l *traffic) ask() error {
	response, err := l.client.Get(l.url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s at %s", response.Status, time.Now().Format("15:04:05.000"))
	}
	return nil
}

func (l *traffic) count() (sent, failed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sent, l.failed
}

// pass waits until so many more requests were answered.
func (l *traffic) pass(requests int) {
	from, _ := l.count()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if now, _ := l.count(); now >= from+requests {
			return
		}
	}
}

func (l *traffic) end() (sent, failed int) {
	l.cancel()
	l.wait.Wait()
	return l.count()
}
