package control

import "github.com/asctl/as/internal/autoscaling"

// Operations are the operations on one cluster's state.
type Operations struct {
	Platform Platform
}

// Platform says what is known of the world outside. It answers from memory and
// never waits: what it knows is refreshed by others, before an operation that
// depends on it and with every check of a group.
type Platform interface {
	// ValidateTemplate answers why no machine can be made from the template: an
	// unknown provider, or what the provider's own check says. The message is for
	// the user.
	ValidateTemplate(*autoscaling.Template) error
	// HasCompute reports whether a compute provider of the name is configured.
	HasCompute(provider string) bool
	Pool(provider, pool string) PoolStatus
	AccessList(provider, list string) ListStatus
	// Machine is what was last known of a machine that may be attached.
	Machine(provider, machineID string) MachineStatus
	// HasMetricSource says whether alarms can use the source; "provider" and
	// "push" always exist.
	HasMetricSource(name string) bool
	// Load is how busy an instance was last seen, in percent of its CPU allotment;
	// not known without recent samples. It orders victims with LEAST_BUSY.
	Load(autoscaling.InstanceID) (percent float64, known bool)
}

// PoolStatus is what was last known of a load balancer's pool.
type PoolStatus struct {
	// Problem is why instances cannot be registered with it now, a sentence for the
	// user; empty: they can.
	Problem        string
	HasHealthCheck bool
}

// ListStatus is what was last known of an access list.
type ListStatus struct {
	// Problem is why addresses cannot be put into it now; empty: they can.
	Problem string
}

// MachineStatus is what was last known of a machine by the platform's name.
type MachineStatus struct {
	// Reason and Problem are why nothing is known of it, or why it cannot be
	// attached whoever asks: NOT_FOUND, IN_USE (its address is another's),
	// DEPENDENCY_MISSING (the provider does not answer, or takes no machines over).
	Reason  autoscaling.Reason
	Problem string

	ID         string // as the provider writes it: the same machine has one name
	Zone       string // "" where the provider has none
	Addresses  []string
	CreateTime autoscaling.Time
	Running    bool
	// Cluster and Instance are those whose mark it bears; empty: nobody's.
	Cluster  string
	Instance autoscaling.InstanceID
}

// Caller is who asks for a change. Both may be empty.
type Caller struct {
	Principal string
	RequestID string
}

// GroupName names a group (or, as a parent, the group of a child) by id or uid.
type GroupName struct {
	Namespace string
	ID        string
}

// ConfigurationName names a configuration by id or uid.
type ConfigurationName struct {
	Namespace string
	ID        string
}

// ChildName names a rule or task of a group by id or uid.
type ChildName struct {
	Namespace string
	Group     string
	ID        string
}

// NewMeta is what a caller says of a new resource itself.
type NewMeta struct {
	ID            string
	Labels        map[string]string
	ExternalNames map[string]string
}
