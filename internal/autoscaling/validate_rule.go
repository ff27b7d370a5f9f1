package autoscaling

// ValidateRule checks a rule by itself.
func ValidateRule(r *Rule) error {
	if r.Simple == nil {
		return FieldErrorf("simple", "is required: a rule is of one kind")
	}
	return ValidateSimpleRule("simple.", r.Simple)
}

// ValidateSimpleRule checks an adjustment; prefix stands before its fields.
func ValidateSimpleRule(prefix string, s *SimpleRule) error {
	if err := first(
		checkOneOf(prefix+"adjustment_type", s.AdjustmentType, ChangeInCapacity, PercentChangeInCapacity, ExactCapacity, ExactPercent),
		checkRange(prefix+"adjustment", s.Adjustment, -MaxSize, MaxSize),
		checkRange(prefix+"min_adjustment_magnitude", s.MinAdjustmentMagnitude, 0, MaxSize),
		checkOneOf(prefix+"rounding", s.Rounding, "", RoundDefault, RoundNearest),
	); err != nil {
		return err
	}
	exact := s.AdjustmentType == ExactCapacity || s.AdjustmentType == ExactPercent
	if exact && s.Adjustment < 0 {
		return FieldErrorf(prefix+"adjustment", "%d is below zero, which %s cannot be", s.Adjustment, s.AdjustmentType)
	}
	if exact && s.MinAdjustmentMagnitude != 0 {
		return FieldErrorf(prefix+"min_adjustment_magnitude", "is a floor on a change, and %s names no change", s.AdjustmentType)
	}
	if s.Cooldown != nil {
		return checkRange(prefix+"cooldown", *s.Cooldown, 0, maxDuration)
	}
	return nil
}
