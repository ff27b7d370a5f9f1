package autoscaling

// UID identifies a resource for all time, also after its name is used again:
// a 36-character UUID.
type UID string

// InstanceID is "i-" and 17 lower-case hex digits. It also names the machine at
// the provider.
type InstanceID string

// ActivityID numbers the activities of a cluster in the order in which they
// were accepted. Names end in its decimal form.
type ActivityID uint64

// Meta is what every named resource has. Its keys are 1 to 9; the records that
// embed it start at 10.
type Meta struct {
	UID           UID               `cbor:"1,keyasint,omitempty"`
	Namespace     string            `cbor:"2,keyasint,omitempty"`
	ID            string            `cbor:"3,keyasint,omitempty"` // unique among its kind under its parent
	Labels        map[string]string `cbor:"4,keyasint,omitempty"`
	ExternalNames map[string]string `cbor:"5,keyasint,omitempty"` // dialect → name
	CreateTime    Time              `cbor:"6,keyasint,omitempty" time:"history"`
	UpdateTime    Time              `cbor:"7,keyasint,omitempty" time:"history"`
	// Revision counts the changes that a user can see; it is the etag.
	Revision uint64 `cbor:"8,keyasint,omitempty"`
}
