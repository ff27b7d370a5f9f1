//go:build race

package bubble

func init() { onOneP = true }
