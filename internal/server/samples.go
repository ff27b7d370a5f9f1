package server

import (
	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/metrics"
	"github.com/asctl/as/internal/rpc"
)

// samples is the store of measurements in the API's words.
type samples struct{ store *metrics.Store }

func (s samples) Put(group autoscaling.UID, batch []rpc.Sample) (int, error) {
	converted := make([]metrics.Sample, len(batch))
	for i, x := range batch {
		converted[i] = metrics.Sample(x)
	}
	return s.store.Put(group, converted)
}

func (s samples) Query(group autoscaling.UID, q rpc.SampleQuery) ([]rpc.Point, error) {
	points, err := s.store.Query(group, metrics.Query(q))
	converted := make([]rpc.Point, len(points))
	for i, x := range points {
		converted[i] = rpc.Point(x)
	}
	return converted, err
}
