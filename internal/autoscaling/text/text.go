// Package text decides which strings may stand in the replicated state, and
// repairs those that may not.
//
// A string of the state is either a line or, where a field is multi-line by
// nature (the scripts and variables that machines are started with, and what a
// lifecycle hook hands on), lines. A line is valid UTF-8 without control
// characters. In lines, line feed, carriage return and tab are allowed too. Both
// are bounded in length.
//
// What a caller sends is checked and refused. What comes from elsewhere (status
// lines of probes, output of commands, messages of providers, states that older
// versions wrote) is repaired: it cannot be refused, and it has to be seen. A
// repair is a pure function of the string and is the same in all versions,
// because every replica makes it for itself when it reads an old log.
package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest strings that may stand in the state, in bytes.
const (
	MaxLine  = 4 << 10
	MaxLines = 64 << 10
)

// Plain reports whether s consists of printable ASCII characters only. It is
// cheap: nearly all strings are plain, and need no closer look.
func Plain(s string) bool {
	for len(s) >= 8 {
		x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56 // one load
		// The high bit of a byte is set in x above ASCII, in the sum for DEL, and
		// cleared in the difference below the space.
		if (x|(x+ones)|^((x|highs)-spaces))&highs != 0 {
			return false
		}
		s = s[8:]
	}
	for i := 0; i < len(s); i++ {
		if s[i]-0x20 > 0x7e-0x20 {
			return false
		}
	}
	return true
}

// The same byte eight times.
const (
	ones   = 0x0101010101010101
	highs  = 0x80 * ones
	spaces = 0x20 * ones
)

// CheckLine reports why s is not a line, and nil when it is one.
func CheckLine(s string) error { return check(s, false, MaxLine) }

// CheckLines is CheckLine for several lines.
func CheckLines(s string) error { return check(s, true, MaxLines) }

func check(s string, lines bool, limit int) error {
	if len(s) > limit {
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(s), limit)
	}
	if Plain(s) {
		return nil
	}
	for i, r := range s {
		switch {
		case r == utf8.RuneError && badByte(s[i:]):
			return fmt.Errorf("byte %d (0x%02x) is not valid UTF-8", i+1, s[i])
		case unicode.IsControl(r) && !(lines && isBreak(r)):
			return fmt.Errorf("character %s at byte %d is a control character, which is not allowed here", strconv.QuoteRuneToASCII(r), i+1)
		}
	}
	return nil
}

// Line returns s as a line: each run of line breaks and tabs becomes a space,
// each other control character or invalid byte an escape such as \x1b, and what
// is beyond MaxLine is cut off. A string that is a line is returned as it is.
func Line(s string) string { return repair(s, false, MaxLine) }

// Lines is Line for several lines: line breaks and tabs stay.
func Lines(s string) string { return repair(s, true, MaxLines) }

// Short is Line with a limit of its own, in bytes, of at least 3.
func Short(s string, limit int) string {
	if len(s) > 4*limit { // bounds the work
		s = s[:4*limit]
	}
	return repair(s, false, limit)
}

const ellipsis = "…"

func repair(s string, lines bool, limit int) string {
	if check(s, lines, limit) == nil {
		return s
	}
	var b strings.Builder
	b.Grow(min(len(s), limit))
	space := false // a run of breaks waits to be written
	for i, r := range s {
		size := utf8.RuneLen(r)
		if isBreak(r) && !lines {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		switch {
		case r == utf8.RuneError && badByte(s[i:]):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsControl(r) && !isBreak(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteString(s[i : i+size])
		}
		if b.Len() > limit {
			break
		}
	}
	return cut(b.String(), limit)
}

// cut shortens valid UTF-8 to the limit.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit - len(ellipsis)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}

func isBreak(r rune) bool { return r == '\n' || r == '\r' || r == '\t' }

// badByte reports whether s begins with a byte that is not UTF-8; U+FFFD itself
// is.
func badByte(s string) bool {
	_, size := utf8.DecodeRuneInString(s)
	return size == 1
}
