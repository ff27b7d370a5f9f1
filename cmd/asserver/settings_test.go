package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func load(t *testing.T, file string, args ...string) (settings, error) {
	t.Helper()
	var s settings
	flags := pflag.NewFlagSet("asserver", pflag.ContinueOnError)
	s.register(flags)
	if file != "" {
		name := filepath.Join(t.TempDir(), "node.yaml")
		if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", name)
	}
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return s, s.load(flags)
}

const node = `
node-id: n1
data-dir: data
initial-cluster: n1=127.0.0.1:7490,n2=127.0.0.1:7491,n3=127.0.0.1:7492
`

func TestEveryFlagIsAKeyOfTheFile(t *testing.T) {
	var s settings
	flags := pflag.NewFlagSet("asserver", pflag.ContinueOnError)
	s.register(flags)
	var keys []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[fileKeys]()) {
		keys = append(keys, field.Tag.Get("yaml"))
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if !onlyFlags[f.Name] && !slices.Contains(keys, f.Name) {
			t.Errorf("--%s is not a key of the file", f.Name)
		}
	})
	for _, key := range keys {
		if key != "providers" && flags.Lookup(key) == nil {
			t.Errorf("key %s of the file is not a flag", key)
		}
	}
	// Each key that is given reaches its flag.
	value := reflect.ValueOf(&fileKeys{}).Elem()
	for i := range value.NumField() {
		if field := value.Field(i); field.Kind() == reflect.Pointer {
			field.Set(reflect.New(field.Type().Elem()))
		}
	}
	given := value.Addr().Interface().(*fileKeys).byFlag()
	for _, key := range keys {
		if _, reached := given[key]; !reached && key != "providers" {
			t.Errorf("key %s of the file is read and forgotten", key)
		}
	}
}

func TestFlagWinsOverEnvironmentOverFileOverDefault(t *testing.T) {
	t.Setenv("ASSERVER_GRPC_ADDR", "127.0.0.1:2")
	t.Setenv("ASSERVER_HTTP_ADDR", "127.0.0.1:2")
	s, err := load(t, node+"grpc-addr: 127.0.0.1:3\nhttp-addr: 127.0.0.1:3\nraft-addr: 127.0.0.1:7490\ncluster-name: prod\n", "--grpc-addr", "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if s.config.GRPCAddr != "127.0.0.1:1" || s.config.HTTPAddr != "127.0.0.1:2" || s.config.ClusterName != "prod" || s.logLevel != "info" {
		t.Errorf("got %+v", s.config)
	}
}

func TestDiskTimeoutIsReadAndBounded(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 3 * time.Second, "disk-timeout: 500ms\n": 500 * time.Millisecond, "disk-timeout: 60s\n": time.Minute} {
		if s, err := load(t, node+text); err != nil || s.config.DiskTimeout != want {
			t.Errorf("%q: %s, %v", text, s.config.DiskTimeout, err)
		}
	}
	for _, text := range []string{"0s", "499ms", "61s", "-1s", "3"} {
		if _, err := load(t, node+"disk-timeout: "+text+"\n"); err == nil || !strings.Contains(err.Error(), "disk-timeout: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPathsAreRelativeToTheFile(t *testing.T) {
	s, err := load(t, node+"providers: {compute: {local: {type: process, directory: var/instances}}}\n")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(s.configFile)
	if want := filepath.Join(dir, "data"); s.config.DataDir != want {
		t.Errorf("data-dir is %s, want %s", s.config.DataDir, want)
	}
	if got, want := s.config.Providers.Compute["local"].Process.Directory, filepath.Join(dir, "var/instances"); got != want {
		t.Errorf("directory is %s, want %s", got, want)
	}
}

// secretFile writes a file with that mode and returns its name.
func secretFile(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	return name
}

func TestTheClusterSecretIsReadFromAFileOrTheEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_TEST", "one secret of the test\nanother secret of the test\n")
	name := secretFile(t, "one secret of the test\n", 0o600)
	beyond := strings.ReplaceAll(node, "127.0.0.1", "192.0.2.1")
	for _, test := range []struct {
		file string
		args []string
		want string
	}{
		{file: beyond + "cluster-secret: {file: " + name + "}\n", want: "file:" + name},
		{file: beyond + "cluster-secret: {env: SECRET_OF_THE_TEST}\n", want: "env:SECRET_OF_THE_TEST"},
		{file: beyond, args: []string{"--cluster-secret", "file:" + name}, want: "file:" + name},
		{file: beyond + "cluster-secret: {file: other}\n", args: []string{"--cluster-secret", "env:SECRET_OF_THE_TEST"}, want: "env:SECRET_OF_THE_TEST"},
		{file: beyond, args: []string{"--raft-addr", "0.0.0.0:7490", "--cluster-secret", "file:" + name}, want: "file:" + name},
		{file: node, want: ""},
	} {
		s, err := load(t, test.file, test.args...)
		if err != nil {
			t.Errorf("%s %v: %v", test.file, test.args, err)
		} else if got := s.config.ClusterSecret.String(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	relative := "../" + filepath.Base(filepath.Dir(name)) + "/secret" // directories of a test are neighbours
	if s, err := load(t, node+"cluster-secret: {file: "+relative+"}\n"); err != nil || s.config.ClusterSecret.File != name {
		t.Errorf("a path relative to the file: %q, %v; want %q", s.config.ClusterSecret.File, err, name)
	}
}

func TestSettingsOfProvidersAreRead(t *testing.T) {
	s, err := load(t, node+`
providers:
  compute:
    sim: {type: sim, launch-delay: 2s, zone-capacity: {a: 7}, directory: sim, seed: 9}
  balancer:
    edge: {type: builtin, pools: {web: {listen: "127.0.0.1:7500", mode: http, health-check: {http: /healthz, interval: 1s}}}}
  access-list:
    files: {type: file, directory: access, reload-command: "true"}
`)
	if err != nil {
		t.Fatal(err)
	}
	sim := s.config.Providers.Compute["sim"].Sim
	if sim.LaunchDelay != 2*time.Second || sim.ZoneCapacity["a"] != 7 || sim.Seed != 9 {
		t.Errorf("sim is %+v", sim)
	}
	pool := s.config.Providers.Balancer["edge"].Builtin.Pools["web"]
	if pool.Listen != "127.0.0.1:7500" || pool.HealthCheck.HTTP != "/healthz" {
		t.Errorf("pool is %+v", pool)
	}
	if s.config.Providers.AccessList["files"].File.ReloadCommand != "true" {
		t.Error("reload-command is lost")
	}
}

func TestMistakesAreNamedWithTheirPlace(t *testing.T) {
	for name, test := range map[string]struct {
		file string
		args []string
		want string
	}{
		"unknown key":              {file: node + "data-dri: x\n", want: `[5:1] unknown field "data-dri"`},
		"unknown key of provider":  {file: node + "providers:\n  compute:\n    sim: {type: sim, directory: d, launch: 1s}\n", want: `[7:36] unknown field "launch"`},
		"unknown type":             {file: node + "providers:\n  compute:\n    c: {type: cloud}\n", want: `unknown provider type "cloud"`},
		"broken yaml":              {file: "node-id: [\n", want: "[1:10]"},
		"key given twice":          {file: node + "node-id: n2\n", want: "already defined"},
		"bad duration":             {file: node + "providers: {compute: {sim: {type: sim, launch-delay: soon}}}\n", want: "soon"},
		"no data directory":        {args: []string{"--node-id", "n1", "--initial-cluster", "n1=127.0.0.1:7490"}, want: "data-dir: required"},
		"not in initial cluster":   {file: node, args: []string{"--node-id", "n9"}, want: "initial-cluster: this node, n9, is not in it"},
		"bad initial cluster":      {file: node, args: []string{"--initial-cluster", "n1"}, want: `"n1" is not ID=HOST:PORT`},
		"beyond loopback":          {file: node, args: []string{"--http-addr", "0.0.0.0:7480"}, want: "only with --insecure"},
		"host with port":           {file: node + "http-hosts: \"as.example.net, n1.example.net:7480\"\n", want: `http-hosts: "n1.example.net:7480" is not a host name`},
		"webhooks to no prefix":    {file: node + "webhook-allow: 127.0.0.0/8, 10.0.0.1\n", want: `webhook-allow: "10.0.0.1" is not a prefix`},
		"webhooks to host bits":    {file: node + "webhook-allow: 127.0.0.1/8\n", want: `webhook-allow: "127.0.0.1/8" has bits beyond its length: give 127.0.0.0/8`},
		"raft beyond loopback":     {file: node, args: []string{"--raft-addr", "0.0.0.0:7490", "--insecure"}, want: "cluster-secret: required, because the nodes talk at 0.0.0.0:7490"},
		"nodes beyond loopback":    {file: strings.ReplaceAll(node, "127.0.0.1", "n.example"), want: "cluster-secret: required, because the nodes talk at n.example:7490"},
		"secret in clear":          {file: node + "cluster-secret: the secret itself\n", want: "[5:"},
		"secret from nowhere":      {file: node + "cluster-secret: {}\n", want: "cluster-secret: must be {file: PATH} or {env: NAME}"},
		"secret from two places":   {file: node + "cluster-secret: {file: a, env: B}\n", want: "cluster-secret: must be {file: PATH} or {env: NAME}"},
		"secret with a typo":       {file: node + "cluster-secret: {flie: a}\n", want: `unknown field "flie"`},
		"secret as a flag":         {file: node, args: []string{"--cluster-secret", "the secret itself"}, want: "must be file:PATH or env:NAME, never the secret itself"},
		"secret that is not there": {file: node + "cluster-secret: {file: /nowhere/secret}\n", want: "cluster-secret: open /nowhere/secret: no such file"},
		"secret in no variable":    {file: node + "cluster-secret: {env: NOT_SET_HERE}\n", want: "cluster-secret: the environment has no variable NOT_SET_HERE"},
		"secret that all can read": {file: node + "cluster-secret: {file: " + secretFile(t, "one secret of the test", 0o640) + "}\n", want: "has mode 0640, so that others than its owner may use it: chmod 600"},
		"secret that is short":     {file: node + "cluster-secret: {file: " + secretFile(t, "short", 0o600) + "}\n", want: "at least 16 are required"},
		"bad node id":              {file: node, args: []string{"--node-id", "N 1"}, want: "node-id"},
		"sim without directory":    {file: node + "providers: {compute: {sim: {type: sim}}}\n", want: "providers.compute.sim.directory: required with several nodes"},
		"bad mode":                 {file: node + "providers: {balancer: {b: {type: builtin, pools: {web: {listen: \"127.0.0.1:1\", mode: udp}}}}}\n", want: "neither http nor tcp"},
		"bad address pool":         {file: node + "providers: {compute: {p: {type: process, directory: d, address-pool: x}}}\n", want: "address-pool"},
		"file missing":             {args: []string{"--config", "/nowhere/node.yaml"}, want: "no such file"},
		"missing type of provider": {file: node + "providers: {compute: {p: {directory: d}}}\n", want: "unknown provider type"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, test.file, test.args...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to say %q", err, test.want)
			}
		})
	}
}

func TestDevNeedsNothing(t *testing.T) {
	s, err := load(t, "", "--dev", "--data-dir", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := s.config.Providers
	if p.Compute["local"].Process == nil || p.Compute["sim"].Sim == nil || p.Balancer["edge"].Builtin == nil || p.AccessList["files"].File == nil {
		t.Errorf("providers are %+v", p)
	}
}
