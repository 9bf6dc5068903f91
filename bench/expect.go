package bench

import (
	"fmt"
	"regexp"
)

// The kinds of an Expect.
const (
	ExpectUpper = "upper" // the request in ASCII upper case, byte for byte
	ExpectEcho  = "echo"  // the request, byte for byte
	ExpectAny   = "any"   // whatever comes
	ExpectMatch = "match" // what matches the Pattern
)

// Expect says what answer is right. The zero value expects the request in ASCII upper case.
type Expect struct {
	Kind    string // one of the constants; "" is ExpectUpper
	Pattern *regexp.Regexp
}

// ParseExpect reads "upper", "echo", "any", or else a regular expression (RE2) that some part of an answer matches.
func ParseExpect(s string) (Expect, error) {
	switch s {
	case "", ExpectUpper:
		return Expect{Kind: ExpectUpper}, nil
	case ExpectEcho, ExpectAny:
		return Expect{Kind: s}, nil
	}
	pattern, err := regexp.Compile(s)
	if err != nil {
		return Expect{}, fmt.Errorf("expect %q: it is none of upper, echo and any, and no regular expression either: %w", s, err)
	}
	return Expect{Kind: ExpectMatch, Pattern: pattern}, nil
}

// String writes it as ParseExpect reads it.
func (e Expect) String() string {
	switch {
	case e.Kind == "":
		return ExpectUpper
	case e.Kind == ExpectMatch && e.Pattern != nil:
		return e.Pattern.String()
	}
	return e.Kind
}

// exact reports whether the right answer is known to the byte.
func (e Expect) exact() bool { return e.Kind == ExpectUpper || e.Kind == ExpectEcho || e.Kind == "" }
