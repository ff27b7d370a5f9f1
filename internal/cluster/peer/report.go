package peer

// Report is what one node's built-in balancer says of one of its pools.
type Report struct {
	Pool  string           `cbor:"1,keyasint,omitempty"`
	Index uint64           `cbor:"2,keyasint,omitempty"` // of the state that it serves
	Open  map[string]int32 `cbor:"3,keyasint,omitempty"` // instance → open requests or connections
}

// NodeReport is the newest Report of a node, as known to this one.
type NodeReport struct {
	Node      string
	Reachable bool
	// Reported is false for a reachable node of which nothing is known yet: it
	// may serve the pool. A node known not to serve it is left out.
	Reported bool
	Index    uint64
	Open     map[string]int32
}
