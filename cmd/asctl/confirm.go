package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
)

// confirm asks before something is deleted. Where nobody can be asked, --yes has
// to have been given.
func (a *app) confirm(ctx context.Context, what string) error {
	if a.global.yes || a.global.dryRun {
		return nil
	}
	if !a.inTerminal || !a.errTerminal {
		return usagef("not on a terminal: say --yes to %s", what)
	}
	fmt.Fprintf(a.err, "Really %s? [y/N] ", what)
	answer := make(chan string, 1)
	// Reading a terminal cannot be interrupted; the process ends soon after.
	go func() {
		line, _ := bufio.NewReader(a.in).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case line := <-answer:
		if line == "y" || line == "yes" {
			return nil
		}
		return coded{code: exitError, err: fmt.Errorf("nothing was deleted")}
	}
}
