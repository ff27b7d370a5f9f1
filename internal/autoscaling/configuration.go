package autoscaling

import "time"

// Configuration is a named line of immutable versions of what machines are made
// from.
type Configuration struct {
	Meta
	Latest  int32 `cbor:"10,keyasint,omitempty"` // the newest version's number
	Default int32 `cbor:"11,keyasint,omitempty"` // the version that DEFAULT means
}

// ConfigurationVersion is one immutable version. Configuration is the UID of
// the line that it belongs to.
type ConfigurationVersion struct {
	Configuration UID      `cbor:"1,keyasint,omitempty"`
	Version       int32    `cbor:"2,keyasint,omitempty"`
	Digest        string   `cbor:"3,keyasint,omitempty"` // of Template's content
	CreateTime    Time     `cbor:"4,keyasint,omitempty" time:"history"`
	Template      Template `cbor:"5,keyasint,omitempty"`
}

// Template is what a machine is made from.
type Template struct {
	Provider       string            `cbor:"1,keyasint,omitempty"` // name of a compute provider
	InstanceTypes  []InstanceType    `cbor:"2,keyasint,omitempty"` // tried in order
	Image          string            `cbor:"3,keyasint,omitempty"`
	Command        []string          `cbor:"4,keyasint,omitempty" text:"lines"`
	Args           []string          `cbor:"5,keyasint,omitempty" text:"lines"`
	Env            map[string]string `cbor:"6,keyasint,omitempty" text:"lines"`
	CPUMillis      int32             `cbor:"7,keyasint,omitempty"`
	MemoryMiB      int32             `cbor:"8,keyasint,omitempty"`
	BandwidthMbps  int32             `cbor:"9,keyasint,omitempty"`
	Disks          []Disk            `cbor:"10,keyasint,omitempty"`
	Ports          []int32           `cbor:"11,keyasint,omitempty"`
	UserData       string            `cbor:"12,keyasint,omitempty" text:"lines"`
	Labels         map[string]string `cbor:"13,keyasint,omitempty"` // of the machine
	StopTimeout    time.Duration     `cbor:"14,keyasint,omitempty"`
	ProviderConfig []byte            `cbor:"15,keyasint,omitempty"` // canonical JSON object
}

// InstanceType is one acceptable type of machine and what it counts for.
type InstanceType struct {
	Type   string `cbor:"1,keyasint,omitempty"`
	Weight int32  `cbor:"2,keyasint,omitempty"`
}

// Disk is one disk of a machine.
type Disk struct {
	SizeGiB int32  `cbor:"1,keyasint,omitempty"`
	Type    string `cbor:"2,keyasint,omitempty"`
}
