package process

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asctl/as/internal/providers"
)

func TestValidateSpec(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := newNode(t, newDirectory(t))
	for name, c := range map[string]struct {
		change func(*providers.MachineSpec)
		says   string // empty: valid
	}{
		"a name in PATH":        {func(s *providers.MachineSpec) {}, ""},
		"an absolute path":      {func(s *providers.MachineSpec) { s.Command = []string{"/bin/sh"} }, ""},
		"the instance's PATH":   {func(s *providers.MachineSpec) { s.Env = map[string]string{"PATH": "/nowhere"} }, "not found in PATH"},
		"no command":            {func(s *providers.MachineSpec) { s.Command = nil }, "needs a command"},
		"an empty command":      {func(s *providers.MachineSpec) { s.Command = []string{""} }, "needs a command"},
		"an unknown program":    {func(s *providers.MachineSpec) { s.Command = []string{"no-such-program"} }, "no-such-program was not found"},
		"a missing file":        {func(s *providers.MachineSpec) { s.Command = []string{"/no/such/file"} }, "/no/such/file"},
		"a file for nobody":     {func(s *providers.MachineSpec) { s.Command = []string{plain} }, "permission denied"},
		"a directory":           {func(s *providers.MachineSpec) { s.Command = []string{"/bin"} }, "directory"},
		"a relative path":       {func(s *providers.MachineSpec) { s.Command = []string{"bin/web"} }, "relative path"},
		"NUL in an argument":    {func(s *providers.MachineSpec) { s.Args = []string{"a\x00b"} }, "NUL"},
		"arguments too long":    {func(s *providers.MachineSpec) { s.Args = []string{strings.Repeat("a", 1<<20)} }, "more than"},
		"a port":                {func(s *providers.MachineSpec) { s.Ports = []int32{1, 65535} }, ""},
		"port 0":                {func(s *providers.MachineSpec) { s.Ports = []int32{0} }, "0 is not between"},
		"port 65536":            {func(s *providers.MachineSpec) { s.Ports = []int32{65536} }, "65536 is not between"},
		"a port twice":          {func(s *providers.MachineSpec) { s.Ports = []int32{80, 80} }, "twice"},
		"a disk":                {func(s *providers.MachineSpec) { s.Disks = []providers.Disk{{SizeGiB: 1}} }, "no disks"},
		"negative cpu":          {func(s *providers.MachineSpec) { s.CPUMillis = -1 }, "cpu_millis"},
		"negative memory":       {func(s *providers.MachineSpec) { s.MemoryMiB = -1 }, "memory_mib"},
		"negative stop timeout": {func(s *providers.MachineSpec) { s.StopTimeout = -time.Second }, "stop_timeout"},
		"a variable":            {func(s *providers.MachineSpec) { s.Env = map[string]string{"A": "b=c"} }, ""},
		"a variable of ours":    {func(s *providers.MachineSpec) { s.Env = map[string]string{"AS_ADDRESS": "x"} }, "AS_ADDRESS is set by"},
		"a nameless variable":   {func(s *providers.MachineSpec) { s.Env = map[string]string{"": "x"} }, "not a name"},
		"= in a variable":       {func(s *providers.MachineSpec) { s.Env = map[string]string{"A=B": "x"} }, "not a name"},
		"PORT without ports":    {func(s *providers.MachineSpec) { s.Env = map[string]string{"PORT": "1"} }, ""},
		"no provider config":    {func(s *providers.MachineSpec) { s.Config = []byte("{}") }, ""},
		"unknown config":        {func(s *providers.MachineSpec) { s.Config = []byte(`{"nice": 1, "b": 2}`) }, `unknown key "b"`},
		"config of another kind": {func(s *providers.MachineSpec) {
			s.Config = []byte(`[]`)
		}, "not a JSON object"},
		"what a process ignores": {func(s *providers.MachineSpec) { s.Image, s.UserData, s.BandwidthMbps = "debian", "x", 10 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			spec := sleeper(testInstance)
			c.change(&spec)
			err := p.ValidateSpec(spec)
			if c.says == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if providers.ClassOf(err) != providers.InvalidConfiguration || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want it to say %q", err, c.says)
			}
		})
	}
}

func TestEnsureRefusesNamesThatAreNotInstances(t *testing.T) {
	p := newNode(t, newDirectory(t))
	for _, name := range []string{"", ".", "..", ".as", "../x", "a/b", "I-1", strings.Repeat("a", 64)} {
		if _, err := p.Ensure(t.Context(), fenceOf(1), sleeper(name)); providers.ClassOf(err) != providers.InvalidConfiguration {
			t.Errorf("%q: %v", name, err)
		}
		if err := p.Remove(t.Context(), fenceOf(1), name); providers.ClassOf(err) != providers.InvalidConfiguration {
			t.Errorf("remove %q: %v", name, err)
		}
	}
}
