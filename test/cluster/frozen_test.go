package cluster_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// TestAFrozenLeaderIsReplacedAndDoesNothingTwiceWhenItGoesOn stops the leader's
// process in the middle of its work: nothing is closed, nothing is reset, and
// when it goes on it believes for a moment that it still leads.
func TestAFrozenLeaderIsReplacedAndDoesNothingTwiceWhenItGoesOn(t *testing.T) {
	t.Parallel()
	w := start(t, nodes.Options{Providers: processProviders()})
	w.createConfiguration(webConfiguration())
	w.createGroup("web", webGroup(1))
	w.awaitSettled("web", 1)
	desired := int32(1)
	for _, freeze := range []struct {
		at     arrow
		change int32
	}{
		{arrow{"PENDING", onState(pb.Instance_PENDING)}, 2},
		{arrow{"ALLOW", onStep("ALLOW")}, 2},
		{arrow{"DRAIN", onStep("DRAIN")}, -2},
		{arrow{"STOP", onStep("STOP")}, -2},
	} {
		before := w.machines()
		begin := w.feed.last()
		leader := w.leader()
		frozen := make(chan struct{})
		match := freeze.at.match("web")
		w.feed.on(func(e *pb.Event) bool { return e.Index > begin && match(e) }, func(*pb.Event) {
			if err := leader.Signal(syscall.SIGSTOP); err != nil {
				t.Error(err)
			}
			close(frozen)
		})
		desired += freeze.change
		activity := w.setDesired("web", desired)
		<-frozen
		w.eventually("another node leads", func() error {
			for _, n := range w.Followers(leader) {
				var s nodes.Status
				if err := n.Get(t.Context(), "/v1/cluster", &s); err == nil && s.Leader == n.ID {
					return nil
				}
			}
			return errors.New("no other does")
		})
		ended := func(e *pb.Event) bool {
			return of("web", pb.Event_ACTIVITY_ENDED)(e) && groupName("web")+"/activities/"+e.Activity == activity.Name
		}
		w.awaitEndBeside(leader, begin, ended)
		if err := leader.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		w.eventually("the old leader follows", func() error {
			var s nodes.Status
			if err := leader.Get(t.Context(), "/v1/cluster", &s); err != nil {
				return err
			}
			if s.Leader == "" || s.Leader == leader.ID {
				return fmt.Errorf("it says that %q leads", s.Leader)
			}
			return nil
		})
		w.feed.await(begin, "end of "+activity.Name, ended)
		w.waitReady()
		w.awaitSettled("web", desired)
		w.checkOutside("web")
		if n := len(w.feed.after(begin, ended)); n != 1 {
			t.Errorf("frozen at %s: the activity ended %d times", freeze.at.name, n)
		}
		made := 0
		for id := range w.machines() {
			if !before[id] {
				made++
				if n := w.starts(id); n != 1 {
					t.Errorf("frozen at %s: %s started %d times", freeze.at.name, id, n)
				}
			}
		}
		if want := max(0, int(freeze.change)); made != want {
			t.Errorf("frozen at %s: %d machines made, want %d\n%s", freeze.at.name, made, want, w.story(begin))
		}
	}
}

// awaitEndBeside waits until the new leader has ended the activity, or needs
// the frozen one for it: a process that is stopped while it writes a file under
// a lock keeps the lock, and nobody can tell how far it has come.
func (w *world) awaitEndBeside(frozen *nodes.Node, begin int64, ended func(*pb.Event) bool) {
	w.Helper()
	w.eventually("the new leader ends the activity", func() error {
		if len(w.feed.after(begin, ended)) > 0 {
			return nil
		}
		if held := w.heldLock(frozen.Pid()); held != "" {
			w.Logf("the leader was frozen while it held %s: its successor waits for that", held)
			return nil
		}
		return errors.New("it is in progress")
	})
}

// heldLock is a lock of the shared directories that the process holds.
func (w *world) heldLock(pid int) string {
	text, _ := os.ReadFile("/proc/locks")
	held := map[string]bool{} // by inode
	for line := range strings.Lines(string(text)) {
		// 1: FLOCK ADVISORY WRITE pid major:minor:inode 0 EOF
		if f := strings.Fields(line); len(f) > 5 && f[1] == "FLOCK" && f[4] == strconv.Itoa(pid) {
			held[f[5][strings.LastIndexByte(f[5], ':')+1:]] = true
		}
	}
	lists, _ := filepath.Glob(filepath.Join(w.Dir, "access", "*.lock"))
	gates, _ := filepath.Glob(filepath.Join(w.instanceDir(), ".as", "locks", "*"))
	for _, path := range append(lists, gates...) {
		var stat syscall.Stat_t
		if syscall.Stat(path, &stat) == nil && held[strconv.FormatUint(stat.Ino, 10)] {
			return path
		}
	}
	return ""
}
