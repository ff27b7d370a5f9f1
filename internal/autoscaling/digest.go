package autoscaling

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// DigestTemplate is the SHA-256 of a template's content, in hex: equal content
// has equal digests, on every node and in every version that knows the same
// fields. Nil and empty are equal content.
func DigestTemplate(t *Template) string {
	content, err := json.Marshal(digested{
		t.Provider, t.InstanceTypes, t.Image, t.Command, t.Args, t.Env, t.CPUMillis, t.MemoryMiB, t.BandwidthMbps,
		t.Disks, t.Ports, t.UserData, t.Labels, int64(t.StopTimeout), t.ProviderConfig,
	})
	if err != nil {
		panic("autoscaling: a template of plain values cannot be encoded: " + err.Error())
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// digested names the fields for ever and leaves empty ones out, so that a field
// that is added later does not change the digests of those that do not use it.
type digested struct {
	Provider       string            `json:"provider,omitempty"`
	InstanceTypes  []InstanceType    `json:"types,omitempty"`
	Image          string            `json:"image,omitempty"`
	Command        []string          `json:"command,omitempty"`
	Args           []string          `json:"args,omitempty"`
	Env            map[string]string `json:"env,omitempty"` // encoded in the order of its keys
	CPUMillis      int32             `json:"cpu,omitempty"`
	MemoryMiB      int32             `json:"memory,omitempty"`
	BandwidthMbps  int32             `json:"bandwidth,omitempty"`
	Disks          []Disk            `json:"disks,omitempty"`
	Ports          []int32           `json:"ports,omitempty"`
	UserData       string            `json:"user_data,omitempty"`
	Labels         map[string]string `json:"labels,omitempty"`
	StopTimeout    int64             `json:"stop_timeout,omitempty"`
	ProviderConfig []byte            `json:"provider_config,omitempty"`
}
