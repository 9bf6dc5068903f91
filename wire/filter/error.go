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

// nearest returns the one of names that word was probably meant to be, or "": a name that begins with it, or one that takes the fewest
// changes of a letter.
func nearest(word string, names []string) string {
	word = strings.ToLower(word)
	best, least := "", min(3, 1+(len(word)+1)/3)
	for _, name := range names {
		if d := changes(word, name); d < least && d < len(name) {
			best, least = name, d
		}
	}
	for _, name := range names {
		if best == "" && len(word) > 2 && strings.HasPrefix(name, word) {
			best = name
		}
	}
	return best
}

// changes counts the letters to put in, take out, replace or swap with their neighbour to make b of a.
func changes(a, b string) int {
	const longest = 24
	if len(a) > longest || len(b) > longest {
		return longest
	}
	var rows [longest + 1][longest + 1]int
	for i := range len(a) + 1 {
		for j := range len(b) + 1 {
			switch {
			case i == 0 || j == 0:
				rows[i][j] = i + j
			case a[i-1] == b[j-1]:
				rows[i][j] = rows[i-1][j-1]
			default:
				rows[i][j] = 1 + min(rows[i-1][j], rows[i][j-1], rows[i-1][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
