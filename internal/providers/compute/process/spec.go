package process

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/asctl/as/internal/providers"
)

// argumentsLimit bounds command, arguments and environment together; the
// kernel's own limit depends on the host.
const argumentsLimit = 1 << 20

// ValidateSpec says whether a process can be made of the specification. CPU and
// memory are what usage is measured against, not limits; image, user data and
// bandwidth mean nothing to a process and are ignored.
func (p *Provider) ValidateSpec(spec providers.MachineSpec) error {
	for _, check := range []func(providers.MachineSpec) error{
		checkCommand, checkEnvironment, checkPorts, checkSizes, checkProviderConfig,
	} {
		if err := check(spec); err != nil {
			return err
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return providers.Errorf(providers.InvalidConfiguration, format, args...)
}

func checkCommand(spec providers.MachineSpec) error {
	if len(spec.Command) == 0 || spec.Command[0] == "" {
		return invalid("command: a process needs a command to execute")
	}
	size := 0
	for _, arg := range arguments(spec) {
		if strings.ContainsRune(arg, 0) {
			return invalid("command: %q holds a NUL byte", arg)
		}
		size += len(arg)
	}
	for name, value := range spec.Env {
		size += len(name) + len(value)
	}
	if size > argumentsLimit {
		return invalid("command, args and env: %d bytes, more than %d", size, argumentsLimit)
	}
	if _, err := findCommand(spec.Command[0], pathVariable(spec)); err != nil {
		return invalid("command: %w", err)
	}
	return nil
}

// ownVariables tell the instance who it is; a configuration cannot.
var ownVariables = []string{"AS_INSTANCE", "AS_GROUP", "AS_ADDRESS"}

func checkEnvironment(spec providers.MachineSpec) error {
	for _, name := range slices.Sorted(maps.Keys(spec.Env)) {
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			return invalid("env: %q is not a name for a variable", name)
		case strings.ContainsRune(spec.Env[name], 0):
			return invalid("env: the value of %s holds a NUL byte", name)
		case slices.Contains(ownVariables, name), name == "PORT" && len(spec.Ports) > 0:
			return invalid("env: %s is set by the provider", name)
		}
	}
	return nil
}

func checkPorts(spec providers.MachineSpec) error {
	for i, port := range spec.Ports {
		if port < 1 || port > 65535 {
			return invalid("ports: %d is not between 1 and 65535", port)
		}
		if slices.Contains(spec.Ports[:i], port) {
			return invalid("ports: %d is there twice", port)
		}
	}
	return nil
}

func checkSizes(spec providers.MachineSpec) error {
	switch {
	case len(spec.Disks) > 0:
		return invalid("disks: a process has no disks of its own")
	case spec.CPUMillis < 0:
		return invalid("cpu_millis: %d is negative", spec.CPUMillis)
	case spec.MemoryMiB < 0:
		return invalid("memory_mib: %d is negative", spec.MemoryMiB)
	case spec.StopTimeout < 0:
		return invalid("stop_timeout: %s is negative", spec.StopTimeout)
	}
	return nil
}

// checkProviderConfig: the schema of provider_config is the empty object.
func checkProviderConfig(spec providers.MachineSpec) error {
	if len(spec.Config) == 0 {
		return nil
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(spec.Config, &config); err != nil {
		return invalid("provider_config: not a JSON object: %w", err)
	}
	if len(config) > 0 {
		return invalid("provider_config: unknown key %q: the process provider takes none",
			slices.Sorted(maps.Keys(config))[0])
	}
	return nil
}

func arguments(spec providers.MachineSpec) []string { return slices.Concat(spec.Command, spec.Args) }

// environment is what the command gets: nothing of asserver's own but the three
// inherited variables, so that no secret of the server reaches an instance.
func environment(spec providers.MachineSpec, address string) []string {
	variables := make(map[string]string)
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			variables[name] = value
		}
	}
	maps.Copy(variables, spec.Env)
	variables["AS_INSTANCE"] = spec.Instance
	variables["AS_GROUP"] = spec.Group
	variables["AS_ADDRESS"] = address
	if len(spec.Ports) > 0 {
		variables["PORT"] = strconv.Itoa(int(spec.Ports[0]))
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		list = append(list, name+"="+variables[name])
	}
	return list
}

var inherited = []string{"PATH", "HOME", "LANG"}

// pathVariable is where the instance's command is looked for.
func pathVariable(spec providers.MachineSpec) string {
	if path, ok := spec.Env["PATH"]; ok {
		return path
	}
	return os.Getenv("PATH")
}

// findCommand is the file to execute: an absolute path, or a name that is
// looked up in path. Anything relative would depend on the working directory.
func findCommand(name, path string) (string, error) {
	if filepath.IsAbs(name) {
		return executable(name)
	}
	if strings.ContainsRune(name, '/') {
		return "", errors.New(name + " is a relative path; name a file in PATH or give an absolute path")
	}
	for _, directory := range filepath.SplitList(path) {
		if !filepath.IsAbs(directory) {
			continue
		}
		if file, err := executable(filepath.Join(directory, name)); err == nil {
			return file, nil
		}
	}
	return "", errors.New(name + " was not found in PATH on this node")
}

func executable(path string) (string, error) {
	file, err := exec.LookPath(path) // with a slash in it: checks this one file
	if err != nil {
		return "", err
	}
	return file, nil
}
