package filter

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrSyntax is what every [SyntaxError] is ([errors.Is]).
var ErrSyntax = errors.New("not a filter")

// ErrLink is what Compile returns, wrapped, for a filter that asks of a link type what it has not.
var ErrLink = errors.New("the link layer has no such thing")

// ErrTooLong is what Compile returns, wrapped, when the program is longer than a kernel takes.
var ErrTooLong = errors.New("the filter is too long")

// A SyntaxError is a mistake in a filter.
type SyntaxError struct {
	Expr    string // the whole filter
	Offset  int    // of the mistake in Expr, in bytes; len(Expr) where something is missing at the end
	Word    string // what stands there, "" at the end
	Problem string // what is wrong
	Hint    string // what is understood there, or ""
	Err     error  // the cause, where there is one
}

// Error returns the mistake as one line: place, problem, hint.
func (e *SyntaxError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "filter %s: column %d: %s", quoted(e.Expr), utf8.RuneCountInString(e.Expr[:e.Offset])+1, e.Problem)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Is makes every SyntaxError an ErrSyntax.
func (e *SyntaxError) Is(target error) bool { return target == ErrSyntax }

// Unwrap returns the cause.
func (e *SyntaxError) Unwrap() error { return e.Err }

// quoted writes text from outside, of which 80 bytes are enough, so that a terminal can show it.
func quoted(s string) string {
	const most = 80
	if len(s) <= most {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprintf("%q…", strings.ToValidUTF8(s[:most], ""))
}
