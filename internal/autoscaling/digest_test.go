package autoscaling

import "testing"

func TestEqualContentHasEqualDigests(t *testing.T) {
	a := Template{Provider: "sim", Command: []string{"web"}, Env: map[string]string{"A": "1", "B": "2"}}
	b := Template{Provider: "sim", Command: []string{"web"}, Env: map[string]string{"B": "2", "A": "1"}, Args: []string{}, Labels: map[string]string{}}
	if DigestTemplate(&a) != DigestTemplate(&b) {
		t.Error("the order of keys, or what is empty, changes the digest")
	}
	// It is stored and compared over releases: it may never change.
	if got := DigestTemplate(&a); got != "f576f7fc22109f93c82a9493005e5aecdc21c456ccaf1ec8d7c9267185a03051" {
		t.Error(got)
	}
}
