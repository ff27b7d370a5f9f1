package main

import (
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// load sends requests at a steady rate, whether the earlier ones were answered
// or not: what a crowd of users does. A request fails when it is not answered
// with 200 within five seconds.
type load struct {
	url    string
	client *http.Client

	sent, failed atomic.Int64

	mu        sync.Mutex
	lastError string
	latencies []time.Duration // of the last second or so
}

func newLoad(address string) *load {
	return &load{
		url: "http://" + address + "/",
		client: &http.Client{
			Timeout:   5 * time.Second,
			Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		},
	}
}

// run sends perSecond requests a second until ctx ends, and returns when the
// last one is answered.
func (l *load) run(ctx context.Context, perSecond int) {
	var inFlight sync.WaitGroup
	defer inFlight.Wait()
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			inFlight.Go(l.request)
		}
	}
}

func (l *load) request() {
	l.sent.Add(1)
	start := time.Now()
	response, err := l.client.Get(l.url)
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.failed.Add(1)
		l.lastError = err.Error()
	case response.StatusCode != http.StatusOK:
		l.failed.Add(1)
		l.lastError = response.Status
	default:
		l.latencies = append(l.latencies, time.Since(start))
		if len(l.latencies) > 100 {
			l.latencies = l.latencies[len(l.latencies)-100:]
		}
	}
}

// latency is the mean of the last answers.
func (l *load) latency() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.latencies) == 0 {
		return 0
	}
	var sum time.Duration
	for _, d := range l.latencies {
		sum += d
	}
	return sum / time.Duration(len(l.latencies))
}
