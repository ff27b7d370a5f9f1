package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// takeoverGrace is how long a new leader holds health replacement back; what is
// to be shown is shown only after it.
const takeoverGrace = 10 * time.Second

// TestANodeWithAnotherOrEmptyProcessDirectoryRelaunchesNothing lets a node lead
// that looks for the instances in the wrong place, and then takes the directory
// away from under all of them.
func TestANodeWithAnotherOrEmptyProcessDirectoryRelaunchesNothing(t *testing.T) {
	t.Parallel()
	w := start(t, nodes.Options{Providers: processProviders()})
	w.createConfiguration(webConfiguration())
	w.createGroup("web", webGroup(2))
	w.awaitSettled("web", 2)
	w.checkOutside("web")

	t.Log("a node with another directory leads")
	astray := w.Followers(w.leader())[0]
	astray.Stop()
	elsewhere := filepath.Join(astray.Dir, "elsewhere")
	config := w.edit(astray, func(text string) string { return strings.ReplaceAll(text, w.instanceDir(), elsewhere) })
	w.restart()
	w.transfer(astray)
	w.relaunchesNothing(func() {
		// Desired moves, but nothing is launched in a place that is not the one.
		w.setDesired("web", 3)
	})
	if made, err := filepath.Glob(filepath.Join(elsewhere, "i-*")); err != nil || len(made) > 0 {
		t.Errorf("machines were made elsewhere: %v %v", made, err)
	}
	astray.Stop()
	w.edit(astray, func(string) string { return config })
	w.restart()
	w.awaitSettled("web", 3)
	w.noCondition("PROVIDER_UNREACHABLE")
	w.checkOutside("web")

	t.Log("all nodes find an empty directory")
	for _, n := range w.Nodes {
		n.Kill()
	}
	aside := w.instanceDir() + "-aside"
	if err := os.Rename(w.instanceDir(), aside); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.relaunchesNothing(func() {})
	if made, err := filepath.Glob(filepath.Join(w.instanceDir(), "i-*")); err != nil || len(made) > 0 {
		t.Errorf("machines were made in the empty directory: %v %v", made, err)
	}
	for _, n := range w.Nodes {
		n.Kill()
	}
	if err := os.RemoveAll(w.instanceDir()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(aside, w.instanceDir()); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.noCondition("PROVIDER_UNREACHABLE")
	w.awaitSettled("web", 3)
	w.checkOutside("web")
	if made := len(w.machines()); made != 3 {
		t.Errorf("%d machines were made in all, want 3", made)
	}
}

// TestInstancesOfALostDirectoryAreReplacedWhenAPersonSaysSo loses the directory of
// the process provider with all that ran from it, and says so.
func TestInstancesOfALostDirectoryAreReplacedWhenAPersonSaysSo(t *testing.T) {
	t.Parallel()
	w := start(t, nodes.Options{Providers: processProviders()})
	w.createConfiguration(webConfiguration())
	w.createGroup("web", webGroup(2))
	w.awaitSettled("web", 2)
	for _, n := range w.Nodes {
		n.Kill()
	}
	w.endInstances()
	if err := os.RemoveAll(w.instanceDir()); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.eventually("the group says why", func() error {
		for _, c := range w.group("web").Conditions {
			if c.Type == "PROVIDER_UNREACHABLE" {
				return nil
			}
		}
		return fmt.Errorf("conditions are %v", w.group("web").Conditions)
	})
	w.must("forget the machines", func(ctx context.Context, a api) error {
		_, err := a.cluster.ForgetMachines(ctx, &pb.ForgetMachinesRequest{Provider: "local"})
		return err
	})
	w.awaitSettled("web", 2)
	w.noCondition("PROVIDER_UNREACHABLE")
	w.checkOutside("web")
}

// relaunchesNothing waits until the group says what is wrong, and holds that
// nothing is started or stopped, for longer than any grace.
func (w *world) relaunchesNothing(meanwhile func()) {
	w.Helper()
	before, begin := w.processes(), w.feed.last()
	var message string
	w.eventually("the group says why", func() error {
		for _, c := range w.group("web").Conditions {
			if c.Type == "PROVIDER_UNREACHABLE" {
				message = c.Message
				return nil
			}
		}
		return fmt.Errorf("conditions are %v", w.group("web").Conditions)
	})
	w.Logf("condition PROVIDER_UNREACHABLE: %s", message)
	if !strings.Contains(message, "store") {
		w.Errorf("the condition does not name the cause: %s", message)
	}
	meanwhile()
	for end := time.Now().Add(takeoverGrace + 3*time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		now := w.processes()
		if len(now) != len(before) {
			w.Fatalf("processes were %v, are %v\n%s", before, now, w.story(begin))
		}
		for id := range before {
			if len(now[id]) != 1 || now[id][0] != before[id][0] {
				w.Fatalf("%s was process %v, is %v", id, before[id], now[id])
			}
		}
	}
	for _, t := range []pb.Event_Type{pb.Event_MACHINE_LOST, pb.Event_ORPHAN_REMOVED} {
		if found := w.feed.after(begin, of("web", t)); len(found) > 0 {
			w.Errorf("%s", line(found[0]))
		}
	}
	for _, i := range w.instances("web", false) {
		if before[i.Name[strings.LastIndexByte(i.Name, '/')+1:]] != nil && i.State != pb.Instance_IN_SERVICE {
			w.Errorf("%s is %s: %s", i.Name, i.State, i.StatusReason)
		}
	}
}

func (w *world) noCondition(kind string) {
	w.Helper()
	w.eventually("condition "+kind+" is cleared", func() error {
		for _, c := range w.group("web").Conditions {
			if c.Type == kind {
				return fmt.Errorf("it says %s", c.Message)
			}
		}
		return nil
	})
}

// edit changes a node's configuration file and answers what it was.
func (w *world) edit(n *nodes.Node, change func(string) string) (was string) {
	w.Helper()
	text, err := os.ReadFile(n.ConfigFile())
	if err == nil {
		err = os.WriteFile(n.ConfigFile(), []byte(change(string(text))), 0o600)
	}
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}

// transfer makes the node the leader.
func (w *world) transfer(to *nodes.Node) {
	w.Helper()
	w.eventually(to.ID+" leads", func() error {
		if err := w.attempt(func(ctx context.Context, a api) error {
			_, err := a.cluster.TransferLeadership(ctx, &pb.TransferLeadershipRequest{NodeId: to.ID})
			return err
		}); err != nil {
			return err
		}
		var s nodes.Status
		if err := to.Get(w.Context(), "/v1/cluster", &s); err != nil || s.Leader != to.ID {
			return fmt.Errorf("%s leads: %v", s.Leader, err)
		}
		return nil
	})
}
