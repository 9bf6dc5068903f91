package terminal

import "strings"

// A styled line is a text with changes of style in it: ESC [ … m (SGR; ECMA-48, Section 8.3.117). They take no cell.

// WidthStyled is Width for a styled line.
func WidthStyled(s string) int {
	n := 0
	runes(s, func(_ int, r rune, style bool) bool {
		if !style {
			n += RuneWidth(r)
		}
		return true
	})
	return n
}

// CutStyled cuts a styled line to at most cells. Where it had to be cut, what follows has no style.
func CutStyled(s string, cells int) string {
	used, whole := 0, len(s)
	runes(s, func(at int, r rune, style bool) bool {
		if style {
			return true
		}
		if used += RuneWidth(r); used > cells {
			whole = at
		}
		return used <= cells
	})
	if whole == len(s) {
		return s
	}
	return s[:whole] + "\x1b[m"
}

// Unstyled is a styled line without its changes of style.
func Unstyled(s string) string {
	var b strings.Builder
	runes(s, func(_ int, r rune, style bool) bool {
		if !style {
			b.WriteRune(r)
		}
		return true
	})
	return b.String()
}

// runes calls f for each rune of a styled line, which begins at byte at and may be part of a change of style, until f returns false.
func runes(s string, f func(at int, r rune, style bool) bool) {
	inside := false
	for at, r := range s {
		style := inside || r == '\x1b'
		if !f(at, r, style) {
			return
		}
		inside = style && r != 'm'
	}
}
