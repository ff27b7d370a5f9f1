package rpc

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/asctl/as/internal/autoscaling"
)

// Whoever watches over REST gets the bytes that were made once.
func TestAnEventsLineIsMadeOnceForAllWatchers(t *testing.T) {
	c := startCluster(t, 1)
	f := c.nodes[0].server.feed
	leave, err := f.join(netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	c.emit("default", "web", 50)
	waitFor(t, func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.recent) == 50 })
	one, _, err := f.after(f.recent[0].index - 1)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := f.after(f.recent[0].index - 1)
	if err != nil || len(one) != 50 || len(other) != 50 {
		t.Fatalf("%d and %d events, %v", len(one), len(other), err)
	}
	for i := range one {
		a, b := watchedLine{}, watchedLine{}
		if err := (cloner{}).Copy(&a, &raw{data: one[i].data, line: one[i].line}); err != nil {
			t.Fatal(err)
		}
		if err := (cloner{}).Copy(&b, &raw{data: other[i].data, line: other[i].line}); err != nil {
			t.Fatal(err)
		}
		if &a.line[0] != &b.line[0] || !strings.HasPrefix(string(a.line), `{"result":{"index":"`) || !strings.HasSuffix(string(a.line), "}\n") {
			t.Fatalf("event %d is encoded twice, or wrong: %s", i, a.line)
		}
	}
}

// A filter between events must not keep the last one in a buffer.
func TestRESTWatchersGetFilteredEventsAtOnce(t *testing.T) {
	c := startCluster(t, 1)
	server := httptest.NewServer(c.nodes[0].server.HTTP())
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/v1/events:watch?group=web&afterIndex=-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for range 20 {
		c.emit("default", "web", 1)
		c.emit("default", "other", 3)
		if !lines.Scan() || !strings.Contains(lines.Text(), `"result"`) {
			t.Fatalf("%q %v", lines.Text(), lines.Err())
		}
	}
}

func TestWatchersAreBounded(t *testing.T) {
	c := startCluster(t, 1)
	f := c.nodes[0].server.feed
	fill := func(source string, n int) {
		t.Helper()
		for range n {
			if _, err := f.join(netip.MustParseAddr(source)); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill("192.0.2.1", maxSourceWatchers) // httptest's caller
	s := wantRESTError(t, c.nodes[0].rest("GET", "/v1/events:watch", nil), 429, codes.ResourceExhausted, autoscaling.LimitExceeded)
	if !strings.Contains(s.Message, "from 192.0.2.1") {
		t.Error(s.Message)
	}
	fill("192.0.2.2", maxWatchers-maxSourceWatchers)
	if _, err := f.join(netip.MustParseAddr("192.0.2.3")); err == nil {
		t.Error("there is no limit in all")
	}
}
