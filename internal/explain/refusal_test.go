package explain

import (
	"strings"
	"testing"
)

// A refusal says how many more there were like it, and the first is not one.
func TestRefusalsLikeItAreCountedWithoutItself(t *testing.T) {
	s := newStory(t)
	for _, more := range []string{"", "; so were 1 more like it", "; so were 2 more like it"} {
		s.want(99) // above max
		told := text(Group(s.View().Reader, s.Group("web"), s.Now))
		if !strings.Contains(told, "was refused") || strings.Contains(told, "like it") != (more != "") || !strings.Contains(told, more) {
			t.Errorf("want %q in:\n%s", more, told)
		}
	}
}
