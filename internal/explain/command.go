package explain

import "strings"

// asctl is a command of the CLI, in the namespace that it is for. Words in
// capitals are for the reader to fill in.
func asctl(namespace string, words ...string) string {
	command := "asctl " + strings.Join(words, " ")
	if namespace != "default" {
		command += " -n " + namespace
	}
	return command
}
