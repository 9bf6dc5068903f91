package terminal

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// Width returns how many cells of a terminal s takes: two for each wide character (Chinese, Japanese, Korean, most emoji; Unicode Standard
// Annex #11), none for a combining mark or a control character, one for anything else.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += RuneWidth(r)
	}
	return n
}

// RuneWidth is Width for one character: 0, 1 or 2.
func RuneWidth(r rune) int {
	switch {
	case r < ' ' || r == 0x7f:
		return 0
	case r < utf8.RuneSelf:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Cc) || '\u1160' <= r && r <= '\u11ff': // Hangul vowels and finals join
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Fit cuts s to at most cells, the last of them an ellipsis where it had to be cut.
func Fit(s string, cells int) string {
	if Width(s) <= cells {
		return s
	}
	used := 0
	for i, r := range s {
		if used += RuneWidth(r); used > cells-1 {
			if cells < 1 {
				return ""
			}
			return s[:i] + "…"
		}
	}
	return s
}
