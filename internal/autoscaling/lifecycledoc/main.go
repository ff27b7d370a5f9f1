// Command lifecycledoc writes docs/lifecycle.svg and docs/lifecycle.md out of the
// table that rules the lifecycle, autoscaling.Lifecycle, into a directory.
// tools/generate.sh runs it, and checks that what is committed is what it writes.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: lifecycledoc DIRECTORY")
		os.Exit(2)
	}
	for name, content := range files() {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), []byte(content), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// files are what there is to write, by name.
func files() map[string]string {
	return map[string]string{"lifecycle.svg": picture(), "lifecycle.md": page()}
}
