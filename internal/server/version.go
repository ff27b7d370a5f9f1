package server

import "runtime/debug"

// version is set when a release is built: -ldflags "-X …/internal/server.version=1.2.3".
var version string

// Version is what this binary is.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}
