package autoscaling

import "time"

// Rule says how the capacity of its group changes when somebody executes it.
type Rule struct {
	Meta
	Group    UID         `cbor:"10,keyasint,omitempty"`
	Disabled bool        `cbor:"11,keyasint,omitempty"`
	Simple   *SimpleRule `cbor:"12,keyasint,omitempty"`
}

// AdjustmentType says what a rule's number means.
type AdjustmentType string

const (
	ChangeInCapacity        AdjustmentType = "CHANGE_IN_CAPACITY"
	PercentChangeInCapacity AdjustmentType = "PERCENT_CHANGE_IN_CAPACITY"
	ExactCapacity           AdjustmentType = "EXACT_CAPACITY"
	ExactPercent            AdjustmentType = "EXACT_PERCENT"
)

// Rounding says how a fraction of an instance is rounded.
type Rounding string

const (
	RoundDefault Rounding = "DEFAULT" // above 1 floored, between 0 and 1 is 1, mirrored for negatives
	RoundNearest Rounding = "NEAREST" // half away from zero
)

// SimpleRule is one adjustment.
type SimpleRule struct {
	AdjustmentType         AdjustmentType `cbor:"1,keyasint,omitempty"`
	Adjustment             int32          `cbor:"2,keyasint,omitempty"`
	MinAdjustmentMagnitude int32          `cbor:"3,keyasint,omitempty"`
	Cooldown               *time.Duration `cbor:"4,keyasint,omitempty"` // nil: the group's
	Rounding               Rounding       `cbor:"5,keyasint,omitempty"`
}
