package nemesis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/register"
)

const (
	namespace = "namespaces/default"
	counter   = namespace + "/groups/counter"
	fleet     = namespace + "/groups/fleet"

	// epoch is how long callers use one register: long histories are slow to check.
	epoch = 20 * time.Second
	pace  = 80 * time.Millisecond // between the calls of one caller
)

// callers are eight programs that call the cluster at any node, whatever
// happens to it, and remember what they were told.
type callers struct {
	l    *lane
	stop chan struct{}
	once sync.Once // closes stop
	wait sync.WaitGroup

	registers                      sync.Map // name → *register.History
	value                          atomic.Int32
	acknowledged, refused, unknown atomic.Int64
	reads                          atomic.Int64

	count int32 // what the counter must be; of the one caller that counts

	mu       sync.Mutex
	made     []string          // configurations that were acknowledged
	accepted map[string]string // request ids of accepted changes → group
}

func (l *lane) newCallers() *callers {
	c := &callers{l: l, stop: make(chan struct{}), accepted: map[string]string{}}
	c.mustCreate(&pb.Group{Configuration: &pb.Group_ConfigurationReference{Name: "web"}, MinSize: proto.Int32(0), MaxSize: proto.Int32(50)}, "counter")
	c.mustCreate(&pb.Group{Configuration: &pb.Group_ConfigurationReference{Name: "web"}, MinSize: proto.Int32(0), MaxSize: proto.Int32(50)}, "fleet")
	return c
}

// mustCreate makes a group, and first its configuration.
func (c *callers) mustCreate(g *pb.Group, id string) {
	c.l.Helper()
	err := c.settle(func(ctx context.Context, node int, request string) error {
		_, err := pb.NewConfigurationServiceClient(c.l.conns[c.l.Nodes[node]]).CreateConfiguration(ctx, &pb.CreateConfigurationRequest{
			Parent: namespace, ConfigurationId: "web", Configuration: &pb.Configuration{Provider: "sim"}, RequestId: request})
		return err
	})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		c.l.Fatalf("create configuration: %v", err)
	}
	if err := c.settle(func(ctx context.Context, node int, request string) error {
		_, err := c.groups(node).CreateGroup(ctx, &pb.CreateGroupRequest{Parent: namespace, GroupId: id, Group: g, RequestId: request})
		return err
	}); err != nil && status.Code(err) != codes.AlreadyExists {
		c.l.Fatalf("create group %s: %v", id, err)
	}
}

func (c *callers) groups(node int) pb.GroupServiceClient {
	return pb.NewGroupServiceClient(c.l.conns[c.l.Nodes[node]])
}

// run starts the eight callers. Their own choices are drawn from the lane's seed.
func (c *callers) run(seed uint64) {
	for i, call := range []func(r *rand.Rand, client int){
		c.write, c.write, c.write, c.read, c.read, c.add, c.resize, c.create,
	} {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		c.wait.Go(func() {
			for {
				call(r, i)
				select {
				case <-c.stop:
					return
				case <-time.After(pace):
				}
			}
		})
	}
}

// end ends the callers; calls under way come to their end first.
func (c *callers) end() {
	c.once.Do(func() { close(c.stop) })
	c.wait.Wait()
}

func (c *callers) now() int64 { return int64(time.Since(c.l.begin)) }

// register is the one of the present epoch.
func (c *callers) register() (string, *register.History) {
	id := fmt.Sprintf("register-%d", time.Since(c.l.begin)/epoch)
	h, known := c.registers.LoadOrStore(id, new(register.History))
	if !known {
		c.mustCreate(&pb.Group{Configuration: &pb.Group_ConfigurationReference{Name: "web"}, MinSize: proto.Int32(0),
			MaxSize: proto.Int32(1_000_000), Paused: true}, id)
	}
	return namespace + "/groups/" + id, h.(*register.History)
}

func (c *callers) write(r *rand.Rand, client int) {
	name, h := c.register()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	value := c.value.Add(1)
	op := porcupine.Operation{ClientId: client, Input: register.Swap{Value: value}, Call: c.now()}
	a, err := c.groups(r.IntN(len(c.l.Nodes))).SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: name, DesiredCapacity: &value})
	op.Return = c.now()
	switch code := status.Code(err); {
	case err == nil:
		c.acknowledged.Add(1)
		op.Output = register.Was{Value: a.GetFromCapacity()}
	case reasonOf(err) == "NO_LEADER" || code == codes.NotFound: // not made yet
		c.refused.Add(1)
		return
	case code == codes.Unavailable || code == codes.DeadlineExceeded:
		c.unknown.Add(1)
		op.Output = register.Was{Unknown: true}
	default:
		c.l.Errorf("a write of %d: %v", value, err)
		return
	}
	h.Add(op)
}

func (c *callers) read(r *rand.Rand, client int) {
	name, h := c.register()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	op := porcupine.Operation{ClientId: client, Input: register.Read{}, Call: c.now()}
	g, err := c.groups(r.IntN(len(c.l.Nodes))).GetGroup(ctx, &pb.GetGroupRequest{Name: name})
	op.Return = c.now()
	switch status.Code(err) {
	case codes.OK:
		c.reads.Add(1)
		op.Output = register.Was{Value: g.GetDesiredCapacity()}
		h.Add(op)
	case codes.Unavailable, codes.DeadlineExceeded, codes.NotFound:
	default:
		c.l.Errorf("a read: %v", err)
	}
}

// lastRead is a read that returns the value now.
func (c *callers) lastRead(value int32) porcupine.Operation {
	now := c.now()
	return porcupine.Operation{ClientId: 99, Input: register.Read{}, Output: register.Was{Value: value}, Call: now, Return: now + 1}
}

// add counts up or down by one, and asks with the same request id until it knows.
func (c *callers) add(r *rand.Rand, _ int) {
	step := int32(1)
	if c.count > 0 && (c.count > 12 || r.IntN(2) == 0) {
		step = -1
	}
	var id string
	err := c.settle(func(ctx context.Context, node int, request string) error {
		id = request
		_, err := c.groups(node).AdjustGroup(ctx, &pb.AdjustGroupRequest{Name: counter,
			AdjustmentType: pb.Rule_CHANGE_IN_CAPACITY, Adjustment: &step, RequestId: request})
		return err
	})
	if reasonOf(err) == "ACTIVITY_IN_PROGRESS" {
		return // as with a rule; it changes nothing
	}
	if err != nil {
		c.l.Errorf("count by %d: %v", step, err)
		return
	}
	c.count += step
	c.accept(id, counter)
	time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
}

func (c *callers) accept(request, group string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepted[request] = group
}

// resize moves the fleet's desired capacity.
func (c *callers) resize(r *rand.Rand, _ int) {
	desired := r.Int32N(12)
	var id string
	err := c.settle(func(ctx context.Context, node int, request string) error {
		id = request
		_, err := c.groups(node).SetDesiredCapacity(ctx, &pb.SetDesiredCapacityRequest{Name: fleet, DesiredCapacity: &desired, RequestId: request})
		return err
	})
	switch {
	case err == nil:
		c.accept(id, fleet)
	case reasonOf(err) != "NO_CHANGE":
		c.l.Errorf("resize the fleet: %v", err)
	}
	time.Sleep(time.Duration(r.IntN(800)) * time.Millisecond)
}

// create makes a configuration that must be there in the end.
func (c *callers) create(r *rand.Rand, _ int) {
	id := fmt.Sprintf("c%d", c.value.Add(1))
	err := c.settle(func(ctx context.Context, node int, request string) error {
		_, err := pb.NewConfigurationServiceClient(c.l.conns[c.l.Nodes[node]]).CreateConfiguration(ctx, &pb.CreateConfigurationRequest{
			Parent: namespace, ConfigurationId: id, Configuration: &pb.Configuration{Provider: "sim"}, RequestId: request})
		return err
	})
	if err != nil {
		c.l.Errorf("create configuration %s: %v", id, err)
		return
	}
	c.mu.Lock()
	c.made = append(c.made, id)
	c.mu.Unlock()
	time.Sleep(time.Duration(r.IntN(200)) * time.Millisecond)
}

// settle makes one change at any node, with one request id, until its outcome is
// known. While the cluster is down that takes as long as it is down.
func (c *callers) settle(call func(ctx context.Context, node int, request string) error) error {
	request := uuid.NewString()
	last := errors.New("not tried")
	for deadline := time.Now().Add(3 * patience); time.Now().Before(deadline) && !c.l.Failed(); {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		last = call(ctx, rand.IntN(len(c.l.Nodes)), request)
		cancel()
		if code := status.Code(last); code != codes.Unavailable && code != codes.DeadlineExceeded {
			return last
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("no reply in %s: %w", 3*patience, last)
}

func reasonOf(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info.Reason
		}
	}
	return ""
}
