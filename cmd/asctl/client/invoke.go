package client

import (
	"context"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/asctl/as/proto/autoscaling/v1"
)

// reasonNoLeader is the UNAVAILABLE that says that nothing was done. The other
// one, OUTCOME_UNKNOWN, leaves it open.
const reasonNoLeader = "NO_LEADER"

// attempt is what one node made of a call.
type attempt struct {
	err error
	// sent says that the node may have got the call.
	sent bool
}

// Invoke makes the call at one node after another until one answers with
// something else than that it cannot.
func (c *Cluster) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	repeatable := c.stamp(method, args)
	ctx = c.authorize(ctx)
	start := time.Now()
	patience := c.options.Timeout
	if patience == 0 {
		patience = callPatience
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	anySent := false
	var last error
	for tries := 1; ; tries++ {
		a := c.try(ctx, method, args, reply, opts, repeatable)
		anySent = anySent || a.sent
		if ctx.Err() != nil && last != nil {
			return last // says more than that time is over
		}
		if a.err == nil || ctx.Err() != nil || !again(a, repeatable) {
			return a.err
		}
		last = a.err
		if !a.sent {
			last = unreachable(c.addresses(), a.err)
		}
		c.Next()
		if tries%len(c.nodes) != 0 {
			continue
		}
		// All nodes were asked once more.
		if !anySent && c.options.Timeout == 0 && time.Since(start) > deadPatience {
			return last
		}
		if time.Since(start) > time.Second {
			c.notice(last)
		}
		pause(ctx, tries/len(c.nodes))
	}
}

func (c *Cluster) try(ctx context.Context, method string, args, reply any, opts []grpc.CallOption, repeatable bool) attempt {
	n := c.node()
	if repeatable && len(c.nodes) > 1 {
		// A node that accepts connections and says nothing must not use up the time.
		if deadline, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
			defer cancel()
		}
	}
	connected := connect(ctx, n.conn)
	if !connected {
		n.conn.ResetConnectBackoff()
	}
	// A connection that failed makes this fail at once, with the reason.
	err := n.conn.Invoke(ctx, method, args, reply, opts...)
	return attempt{err: err, sent: connected || err == nil}
}

// again says whether another attempt may help and can do no harm.
func again(a attempt, repeatable bool) bool {
	switch status.Code(a.err) {
	case codes.Unavailable:
		return !a.sent || repeatable || Reason(a.err) == reasonNoLeader
	case codes.DeadlineExceeded:
		return repeatable
	}
	return false
}

// once are the changes that the servers do not remember by their request id.
var once = map[string]bool{
	pb.ClusterService_TransferLeadership_FullMethodName: true,
	pb.MetricService_PutMetrics_FullMethodName:          true,
}

func (c *Cluster) authorize(ctx context.Context) context.Context {
	if c.options.Token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.options.Token)
}

func (c *Cluster) notice(err error) {
	c.mu.Lock()
	first := !c.noticed
	c.noticed = true
	c.mu.Unlock()
	if first && c.options.Notice != nil {
		c.options.Notice(status.Convert(err).Message() + "; trying again")
	}
}

// pause waits longer after each round, at most a second.
func pause(ctx context.Context, round int) {
	timer := time.NewTimer(min(time.Duration(round)*100*time.Millisecond, time.Second))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Reason is the reason of an API error, or empty.
func Reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.Reason
		}
	}
	return ""
}
