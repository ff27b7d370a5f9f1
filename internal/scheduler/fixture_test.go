package scheduler

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/asctl/as/internal/autoscaling"
	"github.com/asctl/as/internal/control"
	"github.com/asctl/as/internal/control/controltest"
	"github.com/asctl/as/internal/fsm"
	"github.com/asctl/as/internal/providers"
	"github.com/asctl/as/internal/providers/compute/sim"
)

// fixture is a scheduler on a cluster of one, with a simulated cloud, a pool and
// a list.
type fixture struct {
	*solo
	cloud     providers.Compute
	balancer  *fakeBalancer
	lists     *fakeLists
	scheduler *Scheduler
	ops       control.Operations
	registry  *prometheus.Registry
	epoch     uint64
	stop      func()
}

type options struct {
	cloud  providers.Compute // nil: a sim without delays
	limits Limits
	quick  bool // no invariants check after each commit
}

func newFixture(t testing.TB, o options) *fixture {
	t.Helper()
	if o.cloud == nil {
		o.cloud = newCloud(t)
	}
	f := &fixture{solo: newSolo(t), cloud: o.cloud, balancer: newFakeBalancer(), lists: newFakeLists(), registry: prometheus.NewRegistry()}
	f.check = !o.quick
	f.ops = control.Operations{Platform: controltest.NewPlatform()}
	var logger hclog.Logger
	if testing.Verbose() && os.Getenv("LOG") != "" {
		logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Debug})
	}
	s, err := New(Config{
		Operations: f.ops, Writer: f, State: f, Now: f.Now,
		Compute:     map[string]providers.Compute{"sim": f.cloud},
		Balancers:   map[string]providers.Balancer{"edge": f.balancer},
		AccessLists: map[string]providers.AccessList{"files": f.lists},
		Limits:      o.limits, Logger: logger, Metrics: f.registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.scheduler = s
	return f
}

// lead begins a term; the one before is ended.
func (f *fixture) lead() {
	f.resign()
	f.epoch++
	f.scheduler.Samples.Listen(f.Now())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	epoch := f.epoch
	go func() { done <- f.scheduler.Run(ctx, epoch) }()
	f.stop = func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Errorf("run: %v", err)
		}
	}
}

func (f *fixture) resign() {
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
}

// configure makes the configuration "app".
func (f *fixture) configure() {
	f.must(func(tx *fsm.Tx) error {
		_, _, err := f.ops.CreateConfiguration(tx, control.CreateConfigurationRequest{
			Namespace: "default", NewMeta: control.NewMeta{ID: "app"},
			Template: autoscaling.Template{Provider: "sim", Ports: []int32{8080}},
		})
		return err
	})
}

// group makes a group of the configuration "app".
func (f *fixture) group(id string, desired int32, change func(*autoscaling.GroupSpec)) autoscaling.UID {
	f.t.Helper()
	spec := autoscaling.DefaultGroupSpec()
	spec.Max, spec.Desired = max(desired, 10), desired
	spec.Configuration = autoscaling.ConfigurationRef{ID: "app"}
	if change != nil {
		change(&spec)
	}
	var uid autoscaling.UID
	f.must(func(tx *fsm.Tx) error {
		g, err := f.ops.CreateGroup(tx, control.CreateGroupRequest{Namespace: "default", NewMeta: control.NewMeta{ID: id}, Spec: spec, DesiredNamed: true})
		if err == nil {
			uid = g.UID
		}
		return err
	})
	return uid
}

func (f *fixture) setDesired(id string, desired int32) {
	f.t.Helper()
	f.must(func(tx *fsm.Tx) error {
		a, err := f.ops.SetDesiredCapacity(tx, control.SetDesiredCapacityRequest{Name: control.GroupName{Namespace: "default", ID: id}, Desired: desired})
		if err == nil && a != nil && a.Status == autoscaling.ActivityRejected {
			f.t.Errorf("refused: %s", a.Message)
		}
		return err
	})
}

func withPoolAndList(s *autoscaling.GroupSpec) {
	s.Balancers = []autoscaling.BalancerRef{{Provider: "edge", Pool: "web", Weight: 1}}
	s.AccessLists = []autoscaling.AccessListRef{{Provider: "files", List: "db"}}
}

// eventually waits in virtual time until so.
func (f *fixture) eventually(within time.Duration, what string, so func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(within); ; {
		synctest.Wait()
		if so() {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("not within %s: %s\n%s", within, what, f.dump())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (f *fixture) inState(g autoscaling.UID, s autoscaling.InstanceState) int {
	return int(f.View().Counts(g).ByState[s])
}

func (f *fixture) instances(g autoscaling.UID) []*autoscaling.Instance {
	return slices.Collect(f.View().Instances(g))
}

// story is the event log from index after on, one line each.
func (f *fixture) story(after uint64) string {
	var b strings.Builder
	for e := range f.View().Events(after) {
		b.WriteString(e.Time.Std().Format("04:05.000 ") + line(e) + "\n")
	}
	return b.String()
}

func line(e *autoscaling.Event) string {
	parts := []string{string(e.Type)}
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+value)
		}
	}
	add("", string(e.Instance))
	if e.State != 0 {
		add("", e.State.String())
	}
	add("", e.Step.String())
	add("", e.Subject)
	add("— ", e.Message)
	return strings.Join(parts, " ")
}

// dump is what a test that waits in vain shows.
func (f *fixture) dump() string {
	var b strings.Builder
	for g := range f.View().Groups("") {
		b.WriteString(g.ID + " " + string(g.State) + "\n")
		for _, c := range g.Conditions {
			b.WriteString("  " + string(c.Type) + ": " + c.Message + "\n")
		}
		for i := range f.View().Instances(g.UID) {
			b.WriteString("  " + string(i.ID) + " " + i.State.String() + " " + i.Step.String() + " " + i.StatusReason + "\n")
		}
	}
	story := f.story(0)
	if len(story) > 8000 {
		story = story[len(story)-8000:]
	}
	return b.String() + story
}

func newCloud(t testing.TB) *sim.Cloud {
	t.Helper()
	cloud, err := sim.NewCloud(sim.Config{Seed: 1, Store: "store-1"})
	if err != nil {
		t.Fatal(err)
	}
	return cloud
}

func kill(t testing.TB, cloud *sim.Cloud, id autoscaling.InstanceID) {
	t.Helper()
	if ok, err := cloud.Kill(string(id)); !ok || err != nil {
		t.Fatalf("kill %s: %v %v", id, ok, err)
	}
}

// passes is how many looks at groups the scheduler has made.
func (f *fixture) passes() float64 {
	f.t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "autoscaling_scheduler_passes_total" {
			return family.Metric[0].GetCounter().GetValue()
		}
	}
	f.t.Fatal("passes are not counted")
	return 0
}
