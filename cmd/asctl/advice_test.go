package main

import (
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestAdviceOfTheDoctorCanBeTyped: what the service advises as commands are
// commands of this program, with flags that they have. The advice is what the
// golden files of package explain hold.
func TestAdviceOfTheDoctorCanBeTyped(t *testing.T) {
	seen := 0
	for _, file := range []string{"findings.txt", "hooks.txt", "conditions.txt"} {
		b, err := os.ReadFile("../../internal/explain/testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			command, is := strings.CutPrefix(strings.TrimSpace(line), "command: asctl ")
			if !is {
				continue
			}
			seen++
			// What the reader fills in, where a number belongs.
			command = strings.NewReplacer("@VERSION", "@3", " MAX", " 3").Replace(command)
			if err := typed(newRoot(&app{env: func(string) string { return "" }}), strings.Fields(command)); err != nil {
				t.Errorf("asctl %s: %v", command, err)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d commands are advised", seen)
	}
}

// typed checks that the words are a command with its flags and arguments.
func typed(root *cobra.Command, words []string) error {
	c, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	if c.Args != nil {
		return c.Args(c, c.Flags().Args())
	}
	return c.ValidateArgs(c.Flags().Args())
}
