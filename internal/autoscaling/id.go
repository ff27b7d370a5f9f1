package autoscaling

// ValidID says whether an id may name a resource:
// [a-z]([a-z0-9-]{0,61}[a-z0-9])?
func ValidID(id string) bool {
	if len(id) == 0 || len(id) > 63 || id[0] < 'a' || id[0] > 'z' || id[len(id)-1] == '-' {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
			return false
		}
	}
	return true
}

// idRule says in words what ValidID wants.
const idRule = "lower-case letters, digits and hyphens, a letter first, no hyphen last, at most 63"
