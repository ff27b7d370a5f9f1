package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// result is what a closed-loop load measured.
type result struct {
	perSecond float64
	p50, p99  time.Duration
	failed    int
	err       error // the last failure
}

// closedLoop lets clients call, each one call after the other, for the
// duration. A quarter of a second at the start is not counted; a call that has
// begun is let finish, and counts when it ended in time.
func closedLoop(ctx context.Context, clients int, duration time.Duration, call func(ctx context.Context, client, sequence int) error) result {
	const warmUp = 250 * time.Millisecond
	begin := time.Now().Add(warmUp)
	end := begin.Add(duration)

	var mu sync.Mutex
	var latencies []time.Duration
	var total result
	var wait sync.WaitGroup
	for client := range clients {
		wait.Go(func() {
			mine := make([]time.Duration, 0, 1024)
			failed, last := 0, error(nil)
			for sequence := 0; ctx.Err() == nil; sequence++ {
				start := time.Now()
				if start.After(end) {
					break
				}
				err := call(ctx, client, sequence)
				switch now := time.Now(); {
				case err != nil:
					failed, last = failed+1, err
				case start.After(begin) && now.Before(end):
					mine = append(mine, now.Sub(start))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, mine...)
			if total.failed += failed; last != nil {
				total.err = last
			}
		})
	}
	wait.Wait()
	if len(latencies) == 0 {
		return total
	}
	slices.Sort(latencies)
	total.perSecond = float64(len(latencies)) / duration.Seconds()
	total.p50 = latencies[len(latencies)/2]
	total.p99 = latencies[len(latencies)*99/100]
	return total
}
