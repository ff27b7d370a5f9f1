package autoscaling

import (
	"encoding/json"
	"regexp"
	"time"
)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ValidateTemplate checks what every provider has in common.
func ValidateTemplate(t *Template) error {
	if err := first(
		checkLength("provider", t.Provider, 1, 63),
		checkCount("instance_types", len(t.InstanceTypes), 40),
		checkLength("image", t.Image, 0, 1024),
		checkArguments("command", t.Command),
		checkArguments("args", t.Args),
		checkEnv(t.Env),
		checkRange("cpu_millis", t.CPUMillis, 0, 1<<30),
		checkRange("memory_mib", t.MemoryMiB, 0, 1<<30),
		checkRange("bandwidth_mbps", t.BandwidthMbps, 0, 1<<30),
		checkCount("disks", len(t.Disks), 32),
		checkCount("ports", len(t.Ports), 64),
		checkUnique("ports", t.Ports, func(p int32) int32 { return p }),
		checkLength("user_data", t.UserData, 0, 64<<10),
		checkTexts("labels", t.Labels, 64, 0, 255),
		checkRange("stop_timeout", t.StopTimeout, 0, time.Hour),
		checkLength("provider_config", string(t.ProviderConfig), 0, 64<<10),
	); err != nil {
		return err
	}
	for n, i := range t.InstanceTypes {
		at := entry("instance_types", n)
		if err := first(checkLength(at+".type", i.Type, 1, 128), checkRange(at+".weight", i.Weight, 1, 999)); err != nil {
			return err
		}
	}
	if err := checkUnique("instance_types", t.InstanceTypes, func(i InstanceType) string { return i.Type }); err != nil {
		return err
	}
	for n, d := range t.Disks {
		at := entry("disks", n)
		if err := first(checkRange(at+".size_gib", d.SizeGiB, 1, 65536), checkLength(at+".type", d.Type, 0, 128)); err != nil {
			return err
		}
	}
	for n, p := range t.Ports {
		if err := checkRange(entry("ports", n), p, 1, 65535); err != nil {
			return err
		}
	}
	if len(t.ProviderConfig) > 0 && !isObject(t.ProviderConfig) {
		return FieldErrorf("provider_config", "is not a JSON object")
	}
	return nil
}

func isObject(b []byte) bool {
	var o map[string]json.RawMessage
	return json.Unmarshal(b, &o) == nil && o != nil
}

func checkArguments(field string, args []string) error {
	if err := checkCount(field, len(args), 256); err != nil {
		return err
	}
	for n, a := range args {
		if err := checkLength(entry(field, n), a, 0, 8192); err != nil {
			return err
		}
	}
	return nil
}

func checkEnv(env map[string]string) error {
	if err := checkCount("env", len(env), 256); err != nil {
		return err
	}
	for _, name := range sortedKeys(env) {
		if !envName.MatchString(name) || len(name) > 255 {
			return FieldErrorf("env", "%q is not the name of an environment variable", name)
		}
		if err := checkLength("env["+name+"]", env[name], 0, 32<<10); err != nil {
			return err
		}
	}
	return nil
}
