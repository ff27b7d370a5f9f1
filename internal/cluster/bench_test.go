package cluster_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/cluster/clustertest"
	"github.com/asctl/as/internal/fsm"
)

// BenchmarkWrites: three nodes in one process, over TCP and disks, without an
// API in front.
func BenchmarkWrites(b *testing.B) {
	for _, clients := range []int{1, 64, 1000} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			c := clustertest.New(b, clustertest.Options{TCP: true})
			leader := c.Leader()
			b.ResetTimer()
			start := time.Now()
			var wg sync.WaitGroup
			for client := range clients {
				wg.Go(func() {
					id := fmt.Sprintf("client-%d", client)
					for i := range (b.N + clients - 1 - client) / clients {
						err := leader.Do(context.Background(), func(tx *fsm.Tx) error {
							tx.PutNode(&autoscaling.Node{ID: id, Version: fmt.Sprintf("%0200d", i)})
							return nil
						})
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "writes/s")
		})
	}
}
