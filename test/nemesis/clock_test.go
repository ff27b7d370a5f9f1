package nemesis_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/asctl/as/test/cluster/nodes"
)

// clockKey names the file that holds by how many seconds a node's wall clock is
// off. Go reads the clock without a system call that could be intercepted, so
// the standard library itself is replaced when asserver is built.
const clockKey = "AS_NEMESIS_CLOCK"

const shiftedNow = `	sec, nsec, mono := runtimeNow()
	sec += WallShift.Load()
`

const shiftSource = `package time

import "sync/atomic"

// WallShift is by how many seconds Now is off.
var WallShift atomic.Int64
`

const followSource = `package main

import (
	"os"
	"strconv"
	"strings"
	"time"
)

func init() {
	path := os.Getenv("` + clockKey + `")
	follow := func() {
		text, _ := os.ReadFile(path)
		shift, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		time.WallShift.Store(shift)
	}
	follow()
	go func() {
		for range time.Tick(20 * time.Millisecond) {
			follow()
		}
	}()
}
`

// buildWithShiftedClock builds asserver with a wall clock that the tests move.
func buildWithShiftedClock(dir, binary string) error {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	timePackage := filepath.Join(runtime.GOROOT(), "src", "time")
	original, err := os.ReadFile(filepath.Join(timePackage, "time.go"))
	if err != nil {
		return err
	}
	const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	changed := strings.Replace(string(original), now, "func Now() Time {\n"+shiftedNow, 1)
	if changed == string(original) {
		return errors.New("time.Now of this Go release is not what buildWithShiftedClock knows")
	}
	replace := map[string]string{}
	for target, text := range map[string]string{
		filepath.Join(timePackage, "time.go"):                   changed,
		filepath.Join(timePackage, "zz_shift.go"):               shiftSource,
		filepath.Join(root, "cmd", "asserver", "zz_nemesis.go"): followSource,
	} {
		file := filepath.Join(dir, filepath.Base(target))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return err
		}
		replace[target] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-tags", "hashicorpmetrics", "-overlay", overlayFile, "-o", binary, "./cmd/asserver")
	build.Dir, build.Stderr = root, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build asserver with a clock that can be moved: %w", err)
	}
	return nil
}

// setClock moves the node's wall clock off by shift, a whole number of seconds.
func (l *lane) setClock(n *nodes.Node, shift time.Duration) {
	text := strconv.FormatInt(int64(shift/time.Second), 10)
	if err := os.WriteFile(l.clockFile(n.ID), []byte(text), 0o600); err != nil {
		l.Error(err)
	}
}

func (l *lane) clockFile(id string) string { return filepath.Join(l.Dir, id+".clock") }
