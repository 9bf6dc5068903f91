package terminal

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Escape returns p as text that is safe to print: printable characters as they are, everything else as a Go escape. Line breaks and tabs
// become \n, \r and \t, other control bytes and bytes that are no UTF-8 \xHH, and invisible characters (bidirectional controls, zero-width
// and format characters, separators, unassigned and private-use code points) \uHHHH or \UHHHHHHHH. A backslash is doubled, so
// what is an escape and what was sent as one can be told apart, and the bytes can be had back.
func Escape(p []byte) string { return string(AppendEscape(nil, p)) }

// EscapeString is Escape for a string: a path, a host name, an argument.
func EscapeString(s string) string { return string(AppendEscape(nil, []byte(s))) }

// AppendEscape appends Escape(p) to dst.
func AppendEscape(dst, p []byte) []byte {
	marks := maxMarks // none may begin a text: it would stand on what is printed before
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		switch {
		case !shows(r) || r == utf8.RuneError && n == 1 || r == '\\':
			dst = appendEscaped(dst, r, p[:n])
			marks = maxMarks
		case !unicode.Is(unicode.M, r):
			dst = append(dst, p[:n]...)
			marks = 0
		case marks < maxMarks:
			dst = append(dst, p[:n]...)
			marks++
		default:
			dst = appendEscaped(dst, r, p[:n])
		}
		p = p[n:]
	}
	return dst
}

// maxMarks is how many combining marks may follow one character: enough for every language, too few to cover the lines above.
const maxMarks = 4

const ideographicSpace = '\u3000' // as wide as a Chinese character, and as visible as any space

// shows reports whether a terminal shows something for r, and does nothing else. Variation selectors and the characters of
// Other_Default_Ignorable_Code_Point are letters or marks by category, yet invisible (Unicode Standard, Section 5.21).
func shows(r rune) bool {
	if r < utf8.RuneSelf {
		return ' ' <= r && r <= '~'
	}
	if r == ideographicSpace {
		return true
	}
	return unicode.IsPrint(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func appendEscaped(dst []byte, r rune, raw []byte) []byte {
	switch {
	case r == '\\':
		return append(dst, `\\`...)
	case r == '\n':
		return append(dst, `\n`...)
	case r == '\r':
		return append(dst, `\r`...)
	case r == '\t':
		return append(dst, `\t`...)
	case len(raw) == 1:
		return fmt.Appendf(dst, `\x%02x`, raw[0])
	case r > 0xffff:
		return fmt.Appendf(dst, `\U%08x`, r)
	}
	return fmt.Appendf(dst, `\u%04x`, r)
}

// Excerpt is Escape for a line of output: when p has more than limit bytes it shows the first of them and says how many there are, as in
// "HELLO… (65507 bytes)". A character is not cut in the middle.
func Excerpt(p []byte, limit int) string { return ExcerptOf(p, len(p), limit) }

// ExcerptOf is Excerpt where p may itself be only the beginning of size bytes.
func ExcerptOf(p []byte, size, limit int) string {
	if len(p) > limit {
		p = p[:cut(p, limit)]
	}
	text := AppendEscape(nil, p)
	if size > len(p) {
		text = fmt.Appendf(text, "… (%d bytes)", size)
	}
	return string(text)
}

// cut returns the largest n up to limit, which is less than len(p), at which no valid character is split.
func cut(p []byte, limit int) int {
	start := limit // of the character that the cut would split
	for start > 0 && limit-start < utf8.UTFMax-1 && !utf8.RuneStart(p[start]) {
		start--
	}
	if r, size := utf8.DecodeRune(p[start:]); start+size > limit && (r != utf8.RuneError || size > 1) {
		return start
	}
	return limit
}
