package autoscaling

// Adjust is what desired becomes by the rule, within the bounds.
func Adjust(r *SimpleRule, desired, min, max int32) int32 {
	to := int64(desired) + change(r, desired)
	return int32(clamp(to, int64(min), int64(max)))
}

// change is the signed change that the rule asks for, before the bounds.
func change(r *SimpleRule, desired int32) int64 {
	n, d := int64(r.Adjustment), int64(desired)
	switch r.AdjustmentType {
	case ChangeInCapacity:
		return atLeast(n, sign(n), r.MinAdjustmentMagnitude)
	case PercentChangeInCapacity:
		// The sign is the rule's, so that the floor also works where the percentage
		// comes to nothing.
		return atLeast(percent(d*n, r.Rounding), sign(n), r.MinAdjustmentMagnitude)
	case ExactCapacity:
		return n - d
	case ExactPercent:
		return percent(d*(n-100), r.Rounding)
	}
	return 0
}

// percent rounds hundredths of instances to instances.
func percent(hundredths int64, rounding Rounding) int64 {
	if rounding == RoundNearest {
		return sign(hundredths) * ((abs(hundredths) + 50) / 100)
	}
	if q := hundredths / 100; q != 0 {
		return q
	}
	return sign(hundredths)
}

func atLeast(change, direction int64, magnitude int32) int64 {
	if abs(change) < int64(magnitude) {
		return direction * int64(magnitude)
	}
	return change
}

func sign(n int64) int64 {
	switch {
	case n > 0:
		return 1
	case n < 0:
		return -1
	}
	return 0
}

func abs(n int64) int64 { return n * sign(n) }

func clamp(n, low, high int64) int64 { return max(low, min(n, high)) }
