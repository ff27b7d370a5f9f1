package autoscaling

// CanScaleIn says whether the rule could ever make a group smaller.
func (r *Rule) CanScaleIn() bool {
	if r.Simple == nil {
		return false
	}
	switch r.Simple.AdjustmentType {
	case ChangeInCapacity, PercentChangeInCapacity:
		return r.Simple.Adjustment < 0
	case ExactPercent:
		return r.Simple.Adjustment < 100
	}
	return true
}
