package manifest

import (
	"strings"
	"testing"
)

func TestOfALongLineOnlyThePlaceIsShown(t *testing.T) {
	long := strings.Repeat("a", 500) + "!" + strings.Repeat("b", 500)
	for _, c := range []struct {
		line string
		at   int
		want byte
	}{
		{"short: !", 7, '!'},
		{long, 500, '!'},
		{"!" + long, 0, '!'},
		{strings.Repeat("a", 500) + "!", 500, '!'},
	} {
		text, mark := excerpt(c.line, c.at)
		characters := []rune(text)
		if len(characters) > maxExcerpt+2 || mark >= len(characters) || characters[mark] != rune(c.want) {
			t.Errorf("of %d characters, at %d: %q, mark at %d", len(c.line), c.at, text, mark)
		}
	}
	// A mark behind the end of a long line stays behind it.
	if text, mark := excerpt(long, 2000); mark < len([]rune(text))-1 {
		t.Errorf("%q, mark at %d", text, mark)
	}
}
