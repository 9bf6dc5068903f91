package stage

import (
	"bytes"
	"encoding/hex"
	"errors"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// pattern is one condition on a payload. groups are what a regular expression found, as offsets; others give nil.
type pattern interface {
	match(payload []byte) (groups []int, ok bool)
}

type anything struct{}

func (anything) match([]byte) ([]int, bool) { return nil, true }

// literal is bytes that the payload is, begins with, ends with or holds.
type literal struct {
	bytes         []byte
	before, after bool // a star stands there: more may
}

func (l literal) match(p []byte) ([]int, bool) {
	switch {
	case l.before && l.after:
		return nil, bytes.Contains(p, l.bytes)
	case l.before:
		return nil, bytes.HasSuffix(p, l.bytes)
	case l.after:
		return nil, bytes.HasPrefix(p, l.bytes)
	}
	return nil, bytes.Equal(p, l.bytes)
}

// length compares the payload's length in bytes.
type length struct {
	operator string
	bytes    int
}

func (l length) match(p []byte) ([]int, bool) {
	n := len(p)
	switch l.operator {
	case "=":
		return nil, n == l.bytes
	case "!=":
		return nil, n != l.bytes
	case "<":
		return nil, n < l.bytes
	case "<=":
		return nil, n <= l.bytes
	case ">":
		return nil, n > l.bytes
	}
	return nil, n >= l.bytes
}

type expression struct{ *regexp.Regexp }

func (e expression) match(p []byte) ([]int, bool) {
	if e.NumSubexp() == 0 && !e.Match(p) { // most rules do not match, and Match does not allocate
		return nil, false
	}
	groups := e.FindSubmatchIndex(p)
	return groups, groups != nil
}

// scanPattern reads the pattern that s begins with and returns how many bytes it took.
func scanPattern(s string) (pattern, int, error) {
	switch {
	case strings.HasPrefix(s, "/"):
		return scanExpression(s)
	case strings.HasPrefix(s, "length"):
		return scanLength(s)
	}
	before := strings.HasPrefix(s, "*")
	from := 0
	if before {
		from = 1
	}
	text, n, err := scanLiteral(s[from:])
	switch {
	case err != nil:
		return nil, 0, shift(err, from)
	case n == 0 && before:
		return anything{}, 1, nil
	case n == 0:
		return nil, 0, noPattern(s)
	}
	end := from + n
	after := strings.HasPrefix(s[end:], "*")
	if after {
		end++
	}
	return literal{bytes: text, before: before, after: after}, end, nil
}

// scanLiteral reads "text" or 0xBYTES; it returns 0 if s begins with neither.
func scanLiteral(s string) ([]byte, int, error) {
	switch {
	case strings.HasPrefix(s, `"`):
		t, n, err := scanTemplate(s[1:], grammar{quoted: true})
		return t.text(), n + 1, shift1(err)
	case strings.HasPrefix(s, "0x"):
		n := 2
		for n < len(s) && isHexDigit(s[n]) {
			n++
		}
		text, err := hex.DecodeString(s[2:n])
		if err != nil || n == 2 {
			return nil, 0, At(n, "as in 0x0aff", "a byte is two hexadecimal digits")
		}
		return text, n, nil
	}
	return nil, 0, nil
}

func isHexDigit(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

// shift1 moves a mistake past an opening quote.
func shift1(err error) error {
	if err == nil {
		return nil
	}
	return shift(err, 1)
}

// maxExpression bounds a regular expression in bytes. RE2 runs in time linear in payload and expression, so the product is bounded.
const maxExpression = 1000

func scanExpression(s string) (pattern, int, error) {
	end := 1
	for end < len(s) && s[end] != '/' {
		if s[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(s) {
		return nil, 0, At(0, `a slash within it is written \/`, "the / that ends the regular expression is missing")
	}
	text := strings.ReplaceAll(s[1:end], `\/`, `/`)
	if len(text) > maxExpression {
		return nil, 0, At(1, "", "a regular expression has at most %d bytes, this one %d", maxExpression, len(text))
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, 0, badExpression(s[1:end], err)
	}
	return expression{re}, end + 1, nil
}

// badExpression puts the mistake where the part of the expression stands that the compiler names.
func badExpression(text string, err error) error {
	var bad *syntax.Error
	if !errors.As(err, &bad) {
		return At(1, "", "%w", err)
	}
	at := max(strings.Index(text, bad.Expr), 0)
	return At(1+at, "the syntax is RE2's: https://golang.org/s/re2syntax", "in the regular expression: %s: %s", bad.Code, quote(bad.Expr))
}

func scanLength(s string) (pattern, int, error) {
	at := len("length")
	operator := ""
	for _, o := range []string{"<=", ">=", "!=", "=", "<", ">"} {
		if strings.HasPrefix(s[at:], o) {
			operator = o
			break
		}
	}
	if operator == "" {
		return nil, 0, At(at, "as in length>100", "after length comes =, !=, <, <=, > or >=, without a blank")
	}
	at += len(operator)
	end := at
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(s[at:end], 10, 31)
	if err != nil {
		return nil, 0, At(at, "as in length>100", "a number of bytes is missing, or too large")
	}
	return length{operator, int(n)}, end, nil
}

func noPattern(s string) error {
	word := s[:len(s)-len(strings.TrimLeft(s, wordLetters))]
	if word == "" {
		r := []rune(s)[0]
		return At(0, patternHint, "no pattern begins with %s", quote(string(r)))
	}
	hint := didYouMean(word, []string{"length"})
	switch {
	case strings.HasPrefix(word, "hex"):
		hint = "bytes are written 0x0aff"
	case !strings.HasPrefix(hint, "did you mean"):
		hint = `a text stands in quotes: "` + word + `"`
	}
	return At(0, hint, "there is no pattern %s", quote(word))
}

const (
	wordLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	patternHint = `patterns are "text", 0x0aff, either with * before or after it, /regular expression/, length>100 and *`
)
