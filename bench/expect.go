package bench

import "regexp"

// Expect says what answer is right. The zero value expects the request in ASCII upper case.
type Expect struct {
	Kind    string // "upper", "echo", "any" or "match"; "" is "upper"
	Pattern *regexp.Regexp
}
