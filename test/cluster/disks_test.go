package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	pb "github.com/asctl/as/proto/autoscaling/v1"
	"github.com/asctl/as/test/cluster/nodes"
)

// onDiskOfItsOwn moves the node's data to a file system that mount makes. It
// skips the test where none can be mounted.
func (w *world) onDiskOfItsOwn(n *nodes.Node, mount ...string) (data string) {
	w.Helper()
	w.broken = n
	data = filepath.Join(n.Dir, "data")
	n.Stop()
	old := data + ".old"
	if err := errors.Join(os.Rename(data, old), os.Mkdir(data, 0o700)); err != nil {
		w.Fatal(err)
	}
	if out, err := exec.Command("mount", append(mount, data)...).CombinedOutput(); err != nil {
		w.Skipf("no file system can be mounted here: %v: %s", err, out)
	}
	w.Cleanup(func() {
		_ = exec.Command("fsfreeze", "-u", data).Run() // it may not be frozen
		n.Kill()
		if out, err := exec.Command("umount", data).CombinedOutput(); err != nil {
			w.Errorf("umount: %v: %s", err, out)
		}
	})
	if out, err := exec.Command("cp", "-a", old+"/.", data).CombinedOutput(); err != nil {
		w.Fatalf("cp: %v: %s", err, out)
	}
	if err := n.Start(); err != nil {
		w.Fatal(err)
	}
	w.waitReady()
	return data
}

// fill leaves no room on the file system, and returns what makes it again.
func (w *world) fill(dir string) (free func()) {
	w.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		w.Fatalf("filling the disk: %v", err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			w.Error(err)
		}
	}
}

// lead makes the node the leader.
func (w *world) lead(n *nodes.Node) {
	w.Helper()
	w.eventually(n.ID+" leads", func() error {
		if out, code := w.asctl("cluster", "transfer-leadership", n.ID); code != 0 {
			return errors.New(out)
		}
		return nil
	})
	w.waitReady()
}

// readyz is what /readyz of the node shows.
func (w *world) readyz(n *nodes.Node) string {
	answer, err := http.Get("http://" + n.HTTP + "/readyz?verbose")
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return fmt.Sprintf("%d\n%s", answer.StatusCode, body)
}

// awaitUnwritable waits until all say that the node cannot write.
func (w *world) awaitUnwritable(n *nodes.Node, because string) {
	w.Helper()
	w.eventually(n.ID+" is not ready", func() error {
		if text := w.readyz(n); !strings.Contains(text, "[-] disk: ") || !strings.Contains(text, because) || !strings.HasPrefix(text, "503") {
			return errors.New(text)
		}
		return nil
	})
	w.eventually("the leader says so", func() error {
		var s struct {
			Nodes []struct {
				ID, Health string
				Conditions []struct{ Type, Message string }
			}
		}
		if err := w.leader().Get(w.Context(), "/v1/cluster", &s); err != nil {
			return err
		}
		for _, row := range s.Nodes {
			if row.ID == n.ID && row.Health == "UNHEALTHY" && len(row.Conditions) > 0 && strings.Contains(fmt.Sprint(row.Conditions), "DISK_UNWRITABLE") {
				return nil
			}
		}
		return fmt.Errorf("%+v", s.Nodes)
	})
	if out, code := w.asctl("doctor"); code == 0 || !strings.Contains(out, because) {
		w.Errorf("doctor, status %d: %s", code, out)
	}
}

// writeUntil writes large configurations until done.
func (w *world) writeUntil(prefix string, done func() bool) {
	w.Helper()
	for i := 0; !done(); i++ {
		if i == 2000 {
			w.Fatal("60 MB were written, and nothing has come of it")
		}
		w.createLarge(fmt.Sprintf("%s-%d", prefix, i))
	}
}

func (w *world) createLarge(id string) {
	w.Helper()
	c := webConfiguration()
	c.Env["LARGE"] = strings.Repeat("x", 30_000)
	w.must("create a large configuration", func(ctx context.Context, a api) error {
		_, err := a.configurations.CreateConfiguration(ctx, &pb.CreateConfigurationRequest{
			Parent: namespace, ConfigurationId: id, Configuration: c,
		})
		return accepted(err)
	})
}

func TestANodeWhoseDiskIsFullSaysSoAndReturns(t *testing.T) {
	w := start(t, nodes.Options{Providers: processProviders()})
	n := w.Followers(w.leader())[0]
	data := w.onDiskOfItsOwn(n, "-t", "tmpfs", "-o", "size=200m", "tmpfs")
	muted := func() bool { return strings.Contains(w.readyz(n), "[-] disk: ") }
	for _, role := range []string{"follower", "leader"} {
		if role == "leader" {
			w.lead(n)
		}
		free := w.fill(data)
		w.writeUntil(role, muted)
		w.awaitUnwritable(n, "no space left on device")
		if l := w.leader(); l == n {
			t.Errorf("%s leads on a full disk", n.ID)
		}
		free()
		w.waitReady()
	}
	if err := w.Followers(w.leader())[0].Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.createLarge("with-the-node-that-was-full")
}

func TestALeaderWhoseDiskIsFrozenIsReplaced(t *testing.T) {
	w := start(t, nodes.Options{Providers: processProviders()})
	image := filepath.Join(t.TempDir(), "disk")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, 128<<20)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", image).CombinedOutput(); err != nil {
		t.Skipf("no ext4 can be made here: %v: %s", err, out)
	}
	n := w.Followers(w.leader())[0]
	data := w.onDiskOfItsOwn(n, "-o", "loop", image)
	w.lead(n)
	if out, err := exec.Command("fsfreeze", "-f", data).CombinedOutput(); err != nil {
		t.Skipf("the file system cannot be frozen: %v: %s", err, out)
	}
	w.createConfiguration(webConfiguration()) // it is repeated until a leader can write it
	w.awaitUnwritable(n, "the disk does not answer")
	if l := w.leader(); l == n {
		t.Errorf("%s leads on a frozen disk", n.ID)
	}
	if out, err := exec.Command("fsfreeze", "-u", data).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	w.waitReady()
}
