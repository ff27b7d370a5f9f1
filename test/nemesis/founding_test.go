package nemesis_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// TestNodesKilledWhileTheyFoundAClusterFoundOne founds clusters while nodes are
// killed, and one of them wiped, at random moments. Each time one cluster comes
// of it, which keeps what it acknowledges.
func TestNodesKilledWhileTheyFoundAClusterFoundOne(t *testing.T) {
	t.Parallel()
	seed := *nemesisSeed
	l := newLane(t, 9, 3, rand.New(rand.NewPCG(seed, 9)))
	end := time.Now().Add(*nemesisTime)
	for time.Now().Before(end) {
		l.found()
		l.counts["founded"]++
		for _, n := range l.Nodes {
			n.Kill()
			l.wipe(n)
		}
	}
	l.Logf("faults: %v", l.counts)
}

// found starts three fresh nodes with kills in the middle, and uses the cluster.
func (l *lane) found() {
	l.start()
	wiped := l.another() // one at most: of two, the cluster would rightly say that they forgot
	for range 1 + l.random.IntN(3) {
		l.pause(0, 700*time.Millisecond)
		n := l.Nodes[l.another()]
		n.Kill()
		l.counts["killed"]++
		if l.index(n) == wiped && l.random.IntN(2) == 0 {
			l.wipe(n)
			l.counts["wiped"]++
		}
		l.pause(0, 200*time.Millisecond)
		l.start()
	}
	l.awaitWhole()
	id := ""
	for _, n := range l.Nodes {
		var s clusterStatus
		if err := n.Get(context.Background(), "/v1/cluster", &s); err != nil {
			l.Error(err)
		}
		if id == "" {
			id = s.ClusterID
		}
		if s.ClusterID != id || id == "" {
			l.Errorf("%s is in cluster %q, another node in %q", n.ID, s.ClusterID, id)
		}
	}
	c := &callers{l: l, stop: make(chan struct{}), accepted: map[string]string{}}
	c.create(l.random, 0)
	n, _ := l.leader()
	n.Kill()
	for _, id := range c.made {
		err := c.settle(func(ctx context.Context, node int, _ string) error {
			_, err := pb.NewConfigurationServiceClient(l.conns[l.Nodes[node]]).GetConfiguration(ctx,
				&pb.GetConfigurationRequest{Name: namespace + "/configurations/" + id})
			return err
		})
		if status.Code(err) != codes.OK {
			l.Errorf("configuration %s was acknowledged: %v", id, err)
		}
	}
}
