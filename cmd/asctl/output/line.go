package output

import "strings"

// Line is a text as one line, for a cell.
func Line(s string) string { return strings.Join(strings.Fields(s), " ") }
