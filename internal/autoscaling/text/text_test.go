package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRepair(t *testing.T) {
	for _, c := range []struct{ name, in, line, lines string }{
		{"plain", "GET /health answered 503", "GET /health answered 503", "GET /health answered 503"},
		{"empty", "", "", ""},
		{"other scripts", "größer, 大きい, \U0001F600, \uFFFD", "größer, 大きい, \U0001F600, \uFFFD", "größer, 大きい, \U0001F600, \uFFFD"},
		{"invalid bytes", "503 \xff\xfe", `503 \xff\xfe`, `503 \xff\xfe`},
		{"a cut character", "a\xe2\x82", `a\xe2\x82`, `a\xe2\x82`},
		{"control characters", "\x00a\x1b[31m\x7f\u0085", `\x00a\x1b[31m\x7f\x85`, `\x00a\x1b[31m\x7f\x85`},
		{"line breaks", "one\r\n\ttwo\nthree\n", "one two three", "one\r\n\ttwo\nthree\n"},
		{"only line breaks", "\n\n", "", "\n\n"},
		{"too long", strings.Repeat("é", MaxLine), strings.Repeat("é", (MaxLine-3)/2) + "…", strings.Repeat("é", MaxLine)},
		{"escapes that are too long", strings.Repeat("\x00", MaxLines), strings.Repeat(`\x00`, MaxLine/4)[:MaxLine-3] + "…", strings.Repeat(`\x00`, MaxLines/4)[:MaxLines-3] + "…"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Line(c.in); got != c.line {
				t.Errorf("as a line it is %q, expected %q", got, c.line)
			}
			if got := Lines(c.in); got != c.lines {
				t.Errorf("as lines it is %q, expected %q", got, c.lines)
			}
			if err := CheckLine(c.in); (err == nil) != (c.in == c.line) {
				t.Errorf("CheckLine: %v", err)
			}
			if err := CheckLines(c.in); (err == nil) != (c.in == c.lines) {
				t.Errorf("CheckLines: %v", err)
			}
		})
	}
}

func TestShortKeepsItsLimit(t *testing.T) {
	for in, want := range map[string]string{"abc": "abc", "abcdefghijk": "abcde…", "\xff\xff\xff": `\xff\…`, "äääääää": "ää…"} {
		if got := Short(in, 8); got != want {
			t.Errorf("%q becomes %q, expected %q", in, got, want)
		}
	}
}

func TestErrorsSayWhichCharacterAndWhere(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb":                       `character '\n' at byte 2 is a control character, which is not allowed here`,
		"ab\xff":                     `byte 3 (0xff) is not valid UTF-8`,
		strings.Repeat("x", 1+4<<10): `has 4097 bytes, at most 4096 are allowed`,
	} {
		if err := CheckLine(in); err == nil || err.Error() != want {
			t.Errorf("%.20q: %v, expected %s", in, err, want)
		}
	}
}

func TestPlainIsPrintableASCIIWhereverTheOtherByteStands(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				b := []byte(strings.Repeat("~ ", length))[:length]
				b[at] = byte(c)
				if got := Plain(string(b)); got != (c >= 0x20 && c < 0x7f) {
					t.Fatalf("%q: %v", b, got)
				}
			}
		}
	}
}

// FuzzRepair: whatever comes in, a line comes out, and it is never changed again.
func FuzzRepair(f *testing.F) {
	for _, s := range []string{"", "a", "503 \xff\xfe", "x\ny", "\xf0\x9f\x98", strings.Repeat("\x1b", 5000), strings.Repeat("€", 3000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range []struct {
			repair func(string) string
			check  func(string) error
			limit  int
		}{{Line, CheckLine, MaxLine}, {Lines, CheckLines, MaxLines}, {func(s string) string { return Short(s, 100) }, CheckLine, 100}} {
			got := c.repair(s)
			if err := c.check(got); err != nil || !utf8.ValidString(got) || len(got) > c.limit {
				t.Fatalf("%q becomes %q: %v", s, got, err)
			}
			if again := c.repair(got); again != got {
				t.Fatalf("%q becomes %q, and that %q", s, got, again)
			}
		}
	})
}

func BenchmarkPlain(b *testing.B) {
	s := "i-0a1b2c3d4e5f60718"
	for b.Loop() {
		if !Plain(s) {
			b.Fatal()
		}
	}
}
