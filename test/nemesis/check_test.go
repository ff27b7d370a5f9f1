package nemesis_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
	"github.com/asctl/as/test/cluster/register"
)

// check compares everything that the callers were told with what is there.
func (c *callers) check() {
	l := c.l
	l.Logf("%d writes acknowledged, %d of unknown outcome, %d refused; %d reads; %d configurations; %d changes of groups with machines",
		c.acknowledged.Load(), c.unknown.Load(), c.refused.Load(), c.reads.Load(), len(c.made), len(c.accepted))
	c.checkRegisters()
	if g := c.group(counter); g.GetDesiredCapacity() != c.count {
		l.Errorf("the counter was counted to %d and is %d", c.count, g.GetDesiredCapacity())
	}
	c.checkConfigurations()
	c.checkMachines()
	c.checkActivities(counter)
	c.checkActivities(fleet)
	c.checkReplicas()
}

func (c *callers) checkRegisters() {
	c.registers.Range(func(key, value any) bool {
		history := value.(*register.History)
		last := c.group(namespace + "/groups/" + key.(string))
		history.Add(c.lastRead(last.GetDesiredCapacity())) // the last word
		operations, _ := history.Operations()
		if err := register.Check(operations, 2*time.Minute); err != nil {
			c.l.Errorf("%s: %v", key, err)
		}
		return true
	})
}

func (c *callers) checkConfigurations() {
	have := map[string]bool{}
	err := c.l.list(c.l.Nodes[0], "/v1/namespaces/default/configurations?", "configurations", func(item map[string]any) {
		have[filepath.Base(item["name"].(string))] = true
	})
	if err != nil {
		c.l.Errorf("list configurations: %v", err)
	}
	for _, id := range c.made {
		if !have[id] {
			c.l.Errorf("configuration %s was acknowledged and is gone", id)
		}
	}
}

// checkMachines waits until the groups have what they want, and compares machines
// with instances.
func (c *callers) checkMachines() {
	l := c.l
	live := map[string]bool{}
	for _, name := range []string{counter, fleet} {
		c.awaitSettled(name)
		if err := l.list(l.Nodes[0], "/v1/"+name+"/instances?", "instances", func(item map[string]any) {
			live[filepath.Base(item["name"].(string))] = true
		}); err != nil {
			l.Errorf("list instances: %v", err)
		}
	}
	made, running, again := l.machines()
	for id := range running {
		if !live[id] {
			l.Errorf("machine %s runs, and no live instance has it", id)
		}
	}
	for id := range live {
		if !running[id] {
			l.Errorf("instance %s is in service, and has no machine", id)
		}
	}
	if len(again) > 0 {
		l.Errorf("made again after they were removed: %v", again)
	}
	l.Logf("%d machines were made, %d run", len(made), len(running))
}

func (c *callers) awaitSettled(name string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		g := c.group(name)
		if counts := g.GetCounts(); counts.GetInService() == g.GetDesiredCapacity() && counts.GetTotal() == counts.GetInService() {
			return
		}
		if time.Now().After(deadline) {
			c.l.Errorf("%s does not settle: desired %d, %v, %v", name, g.GetDesiredCapacity(), g.GetCounts(), g.GetConditions())
			return
		}
	}
}

// checkActivities compares a group's activities with the accepted requests: one
// for each, and none without.
func (c *callers) checkActivities(name string) {
	l := c.l
	found := map[string]int{}
	if err := l.list(l.Nodes[0], "/v1/"+name+"/activities?", "activities", func(item map[string]any) {
		trigger, _ := item["trigger"].(map[string]any)
		if id, _ := trigger["requestId"].(string); id != "" && item["status"] != "REJECTED" {
			found[id]++
		}
	}); err != nil {
		l.Errorf("list activities: %v", err)
	}
	for id, times := range found {
		if times != 1 || c.accepted[id] != name {
			l.Errorf("request %s has %d activities of %s; it was accepted for %q", id, times, name, c.accepted[id])
		}
	}
	for id, of := range c.accepted {
		if of == name && found[id] == 0 {
			l.Errorf("request %s was accepted for %s and has no activity", id, name)
		}
	}
}

// machines reads the simulated cloud's journal.
func (l *lane) machines() (made, running map[string]bool, again []string) {
	made, running = map[string]bool{}, map[string]bool{}
	removed := map[string]bool{}
	f, err := os.Open(filepath.Join(l.Dir, "sim", "machines.log"))
	if err != nil {
		l.Errorf("the cloud's journal: %v", err)
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		switch id := fields[1]; fields[0] {
		case "=":
			if removed[id] {
				again = append(again, id)
			}
			made[id], running[id] = true, true
		case "-", "x":
			removed[id] = true
			delete(running, id)
		}
	}
	return made, running, again
}

// checkReplicas compares what the nodes have, each by its own copy.
func (c *callers) checkReplicas() {
	l := c.l
	deadline := time.Now().Add(patience)
	for {
		var texts []string
		for _, n := range l.Nodes {
			texts = append(texts, l.replica(n))
		}
		if slices.Equal(texts, slices.Repeat(texts[:1], len(texts))) {
			l.Logf("the replicas are equal: %d bytes", len(texts[0]))
			return
		}
		if time.Now().After(deadline) {
			for i, text := range texts {
				_ = os.WriteFile(filepath.Join(l.Dir, "replica-"+l.Nodes[i].ID), []byte(text), 0o600)
			}
			l.Errorf("the replicas differ; see replica-* in %s", l.Dir)
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// replica is all that a node's own copy has of the lane's records, as text.
func (l *lane) replica(n *nodes.Node) string {
	var b strings.Builder
	for _, kind := range []string{"configurations", "groups", "groups/fleet/instances", "groups/fleet/activities", "groups/counter/instances", "groups/counter/activities"} {
		fmt.Fprintln(&b, kind)
		if err := l.list(n, "/v1/namespaces/default/"+kind+"?consistency=STALE&", filepath.Base(kind), func(item map[string]any) {
			text, _ := json.Marshal(item)
			b.Write(text)
			b.WriteByte('\n')
		}); err != nil {
			fmt.Fprintln(&b, n.ID, err)
		}
	}
	return b.String()
}

// list reads all pages of a collection.
func (l *lane) list(n *nodes.Node, path, key string, each func(item map[string]any)) error {
	for token := ""; ; {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		var page map[string]any
		err := n.Get(ctx, path+"pageSize=1000&pageToken="+token, &page)
		cancel()
		if err != nil {
			return err
		}
		items, _ := page[key].([]any)
		for _, item := range items {
			each(item.(map[string]any))
		}
		if token, _ = page["nextPageToken"].(string); token == "" {
			return nil
		}
	}
}

func (c *callers) group(name string) *pb.Group {
	var g *pb.Group
	if err := c.settle(func(ctx context.Context, node int, _ string) (err error) {
		g, err = c.groups(node).GetGroup(ctx, &pb.GetGroupRequest{Name: name})
		return err
	}); err != nil {
		c.l.Errorf("%s: %v", name, err)
		return &pb.Group{DesiredCapacity: proto.Int32(-1)}
	}
	return g
}
