package watchscreen

import (
	"slices"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"dgram/internal/terminal"
)

// lineEdit is a line that a person types.
type lineEdit struct {
	text []rune
	at   int
}

const longestLine = 4096

func newLineEdit(text string) lineEdit {
	r := []rune(text)
	return lineEdit{r, len(r)}
}

func (e *lineEdit) String() string { return string(e.text) }

// key reports whether the text changed.
func (e *lineEdit) key(k tea.KeyPressMsg) bool {
	before := len(e.text)
	switch k.String() {
	case "left", "ctrl+b":
		e.at = max(e.at-1, 0)
	case "right", "ctrl+f":
		e.at = min(e.at+1, len(e.text))
	case "home", "ctrl+a":
		e.at = 0
	case "end", "ctrl+e":
		e.at = len(e.text)
	case "backspace", "ctrl+h":
		e.remove(e.at-1, e.at)
	case "delete", "ctrl+d":
		e.remove(e.at, e.at+1)
	case "ctrl+u":
		e.remove(0, e.at)
	case "ctrl+k":
		e.remove(e.at, len(e.text))
	case "ctrl+w":
		e.remove(e.wordBefore(), e.at)
	default:
		e.insert(k.Text)
	}
	return len(e.text) != before
}

func (e *lineEdit) wordBefore() int {
	at := e.at
	for at > 0 && e.text[at-1] == ' ' {
		at--
	}
	for at > 0 && e.text[at-1] != ' ' {
		at--
	}
	return at
}

func (e *lineEdit) remove(from, to int) {
	from, to = max(from, 0), min(to, len(e.text))
	if from < to {
		e.text = slices.Delete(e.text, from, to)
		e.at = from
	}
}

// insert puts in what a terminal can show; a pasted line break becomes a blank.
func (e *lineEdit) insert(text string) {
	for _, r := range text {
		if r == '\n' || r == '\r' || r == '\t' {
			r = ' '
		}
		if len(e.text) < longestLine && unicode.IsPrint(r) {
			e.text = slices.Insert(e.text, e.at, r)
			e.at++
		}
	}
}

// view is the line after a label, in so many cells: the part around the cursor, which is shown in reverse.
func (e *lineEdit) view(label string, cells int) string {
	label = terminal.Fit(label, max(cells-8, 0))
	room := cells - terminal.Width(label)
	if room <= 0 {
		return ""
	}
	from, used := e.at, 1
	for from > 0 && used+terminal.RuneWidth(e.text[from-1]) < room {
		from--
		used += terminal.RuneWidth(e.text[from])
	}
	under, after := " ", ""
	if e.at < len(e.text) {
		under, after = string(e.text[e.at]), string(e.text[e.at+1:])
	}
	before := fit(string(e.text[from:e.at]), used-1)
	under = fit(under, min(max(terminal.Width(under), 1), room-used+1))
	after = terminal.Fit(after, max(room-terminal.Width(before)-terminal.Width(under), 0))
	return bold.of(label) + before + reverse.of(under) + after
}
