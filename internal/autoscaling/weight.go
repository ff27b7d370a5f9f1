package autoscaling

// Capacity is what the instance counts for towards desired.
func (i *Instance) Capacity() int32 { return max(i.Weight, 1) }
