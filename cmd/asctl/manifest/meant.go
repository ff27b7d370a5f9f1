package manifest

import "strings"

// meant offers the name that was probably meant, in words; empty if none is near.
func meant(typed string, names []string) string {
	best, nearest := "", 3
	for _, name := range names {
		if d := distance(strings.ToLower(typed), strings.ToLower(name)); d < nearest {
			best, nearest = name, d
		}
	}
	if best == "" {
		return ""
	}
	return ": do you mean " + best + "?"
}

// distance is how many letters have to be added, removed or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
