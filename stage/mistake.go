package stage

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/width"

	"dgram/internal/wording"
)

// ErrSpec is what every mistake in a spec or a rule is ([errors.Is]).
var ErrSpec = errors.New("not a stage")

// Error is a mistake in a spec, or in a line of a rules file: where it is, what it is, and what would be right.
type Error struct {
	What    string // "stage", "rule"
	Text    string // the spec, or the line of the file
	File    string // of a rules file, else ""
	Line    int    // in File, from 1
	Column  int    // of the mistake in Text, from 1, in characters; one past the end where something is missing there
	Problem string // what is wrong
	Hint    string // what to write instead, or ""
	Err     error  // the cause, where there is one

	at     int  // the same place in bytes, in the piece that was being read
	placed bool // File, Line, Text and Column are final
}

// At returns the error of a mistake at a byte offset in what is being read. Parse adds the rest.
func At(offset int, hint, format string, args ...any) error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Problem: wrapped.Error(), Hint: hint, Err: errors.Unwrap(wrapped), at: offset}
}

// Error returns the mistake as one line: place, problem, hint.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	} else {
		fmt.Fprintf(&b, "%s %s: column %d: ", e.What, quote(e.Text), e.Column)
	}
	b.WriteString(e.Problem)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Detail returns the mistake as a terminal shows it: the text, a caret under the place, the problem and the hint, a line each. Control
// characters of the text are shown as dots.
func (e *Error) Detail() string {
	var text, caret strings.Builder
	column := 1
	for _, r := range e.Text {
		if !strconv.IsPrint(r) {
			r = '·'
		}
		text.WriteRune(r)
		if column < e.Column {
			caret.WriteString(strings.Repeat(" ", cells(r)))
		}
		column++
	}
	problem := e.Problem
	if e.File != "" {
		problem = fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Problem)
	}
	lines := []string{"  " + text.String(), "  " + caret.String() + "^", problem}
	if e.Hint != "" {
		lines = append(lines, e.Hint)
	}
	return strings.Join(lines, "\n")
}

// cells is how many columns of a terminal a character takes.
func cells(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Is makes every Error an ErrSpec.
func (e *Error) Is(target error) bool { return target == ErrSpec }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// shift says that what err is about begins n bytes into what is now being read.
func shift(err error, n int) *Error {
	var e *Error
	if !errors.As(err, &e) {
		return &Error{Problem: err.Error(), Err: err, at: n}
	}
	if !e.placed {
		e.at += n
	}
	return e
}

// locate makes the place of err final: it lies in text.
func locate(err error, what, text string) *Error {
	e := shift(err, 0)
	if !e.placed {
		at := min(max(e.at, 0), len(text))
		e.What, e.Text, e.Column, e.placed = what, text, utf8.RuneCountInString(text[:at])+1, true
	}
	return e
}

// quote writes text from outside, of which 60 bytes are enough, so that a terminal can show it.
func quote(s string) string {
	const most = 60
	end := ""
	if len(s) > most {
		s, end = s[:most], "…"
	}
	printable := utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r == '`' || !strconv.IsPrint(r) })
	if printable && strings.ContainsAny(s, `"\`) {
		return "`" + s + "`" + end
	}
	return strconv.Quote(s) + end
}

// didYouMean returns a hint with the name nearest to word, or with all names if none is near.
func didYouMean(word string, names []string) string {
	best := wording.Nearest(word, names)
	switch {
	case best == "" && len(names) == 1:
		return "there is only " + names[0]
	case best == "":
		return "there are " + strings.Join(names, ", ")
	}
	return "did you mean " + best + "?"
}
