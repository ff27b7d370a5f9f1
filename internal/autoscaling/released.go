package autoscaling

// Released is a machine that was let go alive: detached, or attached and not
// entrusted when its group let it go. No sweep removes it. It is kept while the
// provider lists it, or until it is attached again.
type Released struct {
	Provider  string     `cbor:"1,keyasint,omitempty"`
	MachineID string     `cbor:"2,keyasint,omitempty"`
	Instance  InstanceID `cbor:"3,keyasint,omitempty"` // what it was
	Namespace string     `cbor:"4,keyasint,omitempty"`
	GroupID   string     `cbor:"5,keyasint,omitempty"`
	Addresses []string   `cbor:"6,keyasint,omitempty"`
	Time      Time       `cbor:"7,keyasint,omitempty" time:"history"`
	Activity  ActivityID `cbor:"8,keyasint,omitempty"`
	// MissingSince is when the provider first did not list it.
	MissingSince Time `cbor:"9,keyasint,omitempty" time:"since"`
}
