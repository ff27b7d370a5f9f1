package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/asctl/as/internal/autoscaling/text"
	"github.com/asctl/as/internal/providers"
)

// reloadOutput is how much of the command's output an error quotes.
const reloadOutput = 1 << 10

// markReload notes on disk that a reload is due before the list changes, so
// that neither a failed command nor a killed process lets it be forgotten.
func (l *Lists) markReload(list string) error {
	if len(l.config.ReloadCommand) == 0 {
		return nil
	}
	return replace(l.path(list, ".reload"), nil)
}

// reload runs the command when it is due. The list's lock is held meanwhile:
// two reloads of a list cannot overtake each other.
func (l *Lists) reload(ctx context.Context, list string) error {
	if len(l.config.ReloadCommand) == 0 {
		return nil
	}
	mark := l.path(list, ".reload")
	if _, err := os.Stat(mark); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := l.runReload(ctx, list); err != nil {
		return err
	}
	if err := os.Remove(mark); err != nil {
		return providers.Errorf(providers.Failed, "access list %s was written and reloaded: %w", list, err)
	}
	return nil
}

func (l *Lists) runReload(ctx context.Context, list string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, l.config.ReloadTimeout,
		fmt.Errorf("not done after %s", l.config.ReloadTimeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, l.config.ReloadCommand[0], l.config.ReloadCommand[1:]...)
	cmd.Env = append(os.Environ(), "AS_LIST="+list, "AS_LIST_FILE="+l.path(list, ".txt"))
	// A group of its own, so that what the command started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var output tail
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	said := text.Line(strings.TrimSpace(output.String())) // its lines become one
	if said == "" {
		said = "(no output)"
	}
	return providers.Errorf(providers.Failed, "access list %s was written, but the reload command failed: %w: %s", list, err, said)
}

// tail keeps the end of what is written to it.
type tail struct{ bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	n, _ := t.Buffer.Write(p) // never fails
	if extra := t.Len() - reloadOutput; extra > 0 {
		t.Next(extra)
	}
	return n, nil
}

func syncDirectory(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
