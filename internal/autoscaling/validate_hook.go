package autoscaling

// DefaultLifecycleHook is what a new hook is where its caller says nothing.
func DefaultLifecycleHook() LifecycleHook {
	return LifecycleHook{HeartbeatTimeout: DefaultHeartbeatTimeout, DefaultResult: ResultAbandon}
}

// ValidateHook checks a hook by itself.
func ValidateHook(h *LifecycleHook) error {
	if err := first(
		checkOneOf("transition", h.Transition, TransitionLaunching, TransitionTerminating),
		checkRange("heartbeat_timeout", h.HeartbeatTimeout, MinHeartbeatTimeout, MaxHeartbeatTimeout),
		checkOneOf("default_result", h.DefaultResult, ResultContinue, ResultAbandon),
	); err != nil {
		return err
	}
	if len(h.Metadata) > MaxHookMetadata {
		return FieldErrorf("metadata", "has %d bytes, at most %d are allowed", len(h.Metadata), MaxHookMetadata)
	}
	return nil
}
