package watchscreen

import (
	"strings"

	"dgram/internal/terminal"
)

// style is the parameters of SGR (ECMA-48, 8.3.117), empty for none. Bubble Tea takes colours out again where the terminal has none,
// or NO_COLOR is set.
type style string

const (
	plain    style = ""
	bold     style = "1"
	dim      style = "2"
	reverse  style = "7"
	heading  style = "1;36"
	bar      style = "7;34"
	barFocus style = "1;7;36"
	good     style = "32"
	attend   style = "33"
	bad      style = "1;31"
	strange  style = "35"
	lit      style = "1;7;33" // the bytes of the selected field
)

func (s style) of(text string) string {
	if s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[m"
}

func (m Mark) style() style {
	switch m {
	case MarkReply, MarkAnswered, MarkFurther:
		return good
	case MarkUnanswered, MarkRefused, MarkUnreachable, MarkReport:
		return bad
	case MarkRetry, MarkSuperseded, MarkLate, MarkDuplicate:
		return attend
	case MarkStray:
		return strange
	case MarkNone, MarkOneWay, MarkUnasked:
		return dim
	}
	return plain
}

// fit makes text exactly so many cells wide: cut, or filled up with blanks. text holds nothing that is not shown.
func fit(text string, cells int) string {
	if cells <= 0 {
		return ""
	}
	text = terminal.Fit(text, cells)
	if n := cells - terminal.Width(text); n > 0 {
		text += blanks(n)
	}
	return text
}

// fitRight is fit for numbers.
func fitRight(text string, cells int) string {
	if n := cells - terminal.Width(text); n > 0 {
		return blanks(n) + text
	}
	return fit(text, cells)
}

func blanks(n int) string { return strings.Repeat(" ", max(n, 0)) }
