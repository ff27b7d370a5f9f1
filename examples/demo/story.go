package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

const requestsPerSecond = 100

// teller holds what the chapters share.
type teller struct {
	cluster  *nodes.Cluster
	observer *observer
	screen   *screen
	load     *load
	failOver time.Duration
	killed   *nodes.Node
}

func story(ctx context.Context, cluster *nodes.Cluster, manifest string) error {
	observer, err := newObserver(cluster)
	if err != nil {
		return err
	}
	defer observer.close()

	apply := exec.CommandContext(ctx, "asctl", "--addr", strings.Join(cluster.GRPCAddresses(), ","), "apply", "-f", manifest)
	apply.Stdout, apply.Stderr = os.Stdout, os.Stderr
	fmt.Println("$ asctl apply -f", manifest)
	if err := apply.Run(); err != nil {
		return err
	}
	watching, stopWatching := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() { defer close(watched); observer.follow(watching) }()
	defer func() { stopWatching(); <-watched }()

	// The load goes through a node that will not be killed.
	leader, err := cluster.Leader(ctx)
	if err != nil {
		return err
	}
	t := &teller{cluster: cluster, observer: observer, screen: newScreen(), load: newLoad(cluster.Followers(leader)[0].Balancer), killed: leader}
	return t.tell(ctx)
}

func (t *teller) tell(ctx context.Context) error {
	t.screen.say("two instances, no load")
	if err := t.until(ctx, time.Minute, func(p picture) bool { return p.in(pb.Instance_IN_SERVICE) == 2 }); err != nil {
		return err
	}

	t.screen.say("%d requests/s through a follower's balancer: the CPU alarm will ask for more", requestsPerSecond)
	loading, stopLoad := context.WithCancel(ctx)
	loaded := make(chan struct{})
	go func() { defer close(loaded); t.load.run(loading, requestsPerSecond) }()
	defer func() { stopLoad(); <-loaded }()
	scalingOut := func(p picture) bool {
		return p.group.GetDesiredCapacity() > 2 && p.in(pb.Instance_IN_SERVICE) < int(p.group.GetDesiredCapacity())
	}
	if err := t.until(ctx, time.Minute, scalingOut); err != nil {
		return err
	}

	t.screen.say("scaling out; kill -9 of the leader, %s", t.killed.ID)
	t.killed.Kill()
	if err := t.measureFailOver(ctx); err != nil {
		return err
	}
	t.screen.say("a new leader after %s goes on with the scale-out", t.failOver.Round(time.Millisecond))
	full := func(p picture) bool { return p.in(pb.Instance_IN_SERVICE) == 8 }
	if err := t.until(ctx, 2*time.Minute, full); err != nil {
		return err
	}

	victim, err := t.killInstance(ctx)
	if err != nil {
		return err
	}
	t.screen.say("kill -9 of an instance, %s: it is replaced", victim)
	replaced := func(p picture) bool {
		for _, i := range p.instances {
			if strings.HasSuffix(i.Name, victim) {
				return false
			}
		}
		return full(p)
	}
	if err := t.until(ctx, time.Minute, replaced); err != nil {
		return err
	}
	if err := t.killed.Start(); err != nil {
		return err
	}

	t.screen.say("no more load: the other alarm scales in, draining; %s is back", t.killed.ID)
	stopLoad()
	<-loaded
	if err := t.until(ctx, 2*time.Minute, func(p picture) bool { return p.in(pb.Instance_IN_SERVICE) == 2 && len(p.instances) == 2 }); err != nil {
		return err
	}
	return t.summary(ctx)
}

// until shows the picture twice a second until it satisfies the predicate.
func (t *teller) until(ctx context.Context, patience time.Duration, is func(picture) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("this took too long: "+t.screen.chapter))
	defer cancel()
	shown := time.Time{}
	for {
		p, err := t.observer.look(ctx)
		if err == nil {
			done := is(p)
			if done || time.Since(shown) > 500*time.Millisecond {
				t.screen.show(p, t.observer, t.load)
				shown = time.Now()
			}
			if done {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// measureFailOver writes until a write is accepted: the fail-over time as a
// caller of the API sees it.
func (t *teller) measureFailOver(ctx context.Context) error {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for attempt := 0; ; attempt++ {
		err := t.observer.each(func(conn *grpc.ClientConn) error {
			_, err := pb.NewGroupServiceClient(conn).UpdateGroup(ctx, &pb.UpdateGroupRequest{
				Group:      &pb.Group{Name: groupName, Labels: map[string]string{"tier": "web", "fail-over": strconv.Itoa(attempt)}},
				UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"labels"}},
			})
			return err
		})
		if err == nil {
			t.failOver = time.Since(start)
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// killInstance kills the process of one instance in service and answers its id.
func (t *teller) killInstance(ctx context.Context) (string, error) {
	p, err := t.observer.look(ctx)
	if err != nil {
		return "", err
	}
	for _, i := range p.instances {
		if i.State != pb.Instance_IN_SERVICE {
			continue
		}
		id := i.Name[strings.LastIndex(i.Name, "/")+1:]
		pid, err := pidOf(id)
		if err != nil {
			return "", err
		}
		return id, syscall.Kill(pid, syscall.SIGKILL)
	}
	return "", errors.New("no instance is in service")
}

// pidOf finds an instance's process by the variable that every instance has.
func pidOf(instance string) (int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		environment, err := os.ReadFile("/proc/" + e.Name() + "/environ")
		if err == nil && strings.Contains("\x00"+string(environment), "\x00AS_INSTANCE="+instance+"\x00") {
			return pid, nil
		}
	}
	return 0, fmt.Errorf("no process of %s", instance)
}

func (t *teller) summary(ctx context.Context) error {
	p, err := t.observer.look(ctx)
	if err != nil {
		return err
	}
	asked := t.observer.count(func(e *pb.Event) bool {
		return e.Type == pb.Event_INSTANCE_STATE && e.State == pb.Instance_INITIAL
	})
	made := t.observer.count(func(e *pb.Event) bool { return e.Type == pb.Event_INSTANCE_STEP && e.Step == "CREATE" })
	gone := t.observer.count(func(e *pb.Event) bool {
		return e.Type == pb.Event_INSTANCE_STATE && e.State == pb.Instance_TERMINATED
	})
	fmt.Printf("\nrequests sent      %d\nrequests failed    %d\n", t.load.sent.Load(), t.load.failed.Load())
	if t.load.failed.Load() > 0 {
		fmt.Printf("  last error       %s\n", t.load.lastError)
	}
	fmt.Printf("launches asked     %d\nmachines made      %d\nmachines gone      %d\nin service now     %d\nfail-over          %s (kill -9 of the leader to the next accepted write)\n",
		asked, made, gone, p.in(pb.Instance_IN_SERVICE), t.failOver.Round(100*time.Microsecond))
	if asked != made || made-gone != p.in(pb.Instance_IN_SERVICE) {
		return errors.New("the books do not balance")
	}
	return nil
}

// removeGroup deletes the group with its instances, so that no process of ours
// outlives the demo.
func removeGroup(cluster *nodes.Cluster) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	remove := exec.CommandContext(ctx, "asctl", "--addr", strings.Join(cluster.GRPCAddresses(), ","), "group", "delete", "web", "--force", "--yes", "--wait")
	if out, err := remove.CombinedOutput(); err != nil && !strings.Contains(string(out), "NOT_FOUND") {
		fmt.Fprintf(os.Stderr, "removing the group: %v: %s", err, out)
	}
}
