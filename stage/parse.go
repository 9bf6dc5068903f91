package stage

import "strings"

// maxSpec bounds the length of a spec in bytes.
const maxSpec = 64 << 10

// Parse reads stage specs, one step each, in the order in which they apply. The grammar is one for the command line and for rules files:
//
//	NAME
//	NAME:ARGUMENT
//
// Everything after the first colon is the argument, which each stage reads in its own way; nothing is trimmed. A plan of several stages
// is several specs: there is no sign that joins them, so that texts and programs may hold any. The error is an [*Error].
func Parse(specs ...string) (*Plan, error) {
	steps := make([]Step, 0, len(specs))
	for _, text := range specs {
		step, err := parseSpec(text)
		if err != nil {
			return nil, locate(err, "stage", text)
		}
		steps = append(steps, step)
	}
	return NewPlan(steps...), nil
}

// MustParse is Parse for constants; it panics on an error.
func MustParse(specs ...string) *Plan {
	p, err := Parse(specs...)
	if err != nil {
		panic(err)
	}
	return p
}

func parseSpec(text string) (Step, error) {
	if len(text) > maxSpec {
		return Step{}, At(maxSpec, "put rules into a file: rules:FILE", "a spec has at most %d bytes, this one %d", maxSpec, len(text))
	}
	name, argument, colon := strings.Cut(text, ":")
	spec := Lookup(name)
	if spec == nil {
		return Step{}, unknownStage(name)
	}
	switch {
	case !colon && spec.Argument != "" && !spec.optional():
		return Step{}, At(len(text), exampleOf(spec), "%s needs an argument: %s", name, spec.Usage())
	case colon && spec.Argument == "":
		return Step{}, At(len(name), "write "+name, "%s takes no argument", name)
	case colon && spec.optional() && argument == "":
		return Step{}, At(len(text), exampleOf(spec), "the argument is missing after the colon: %s", spec.Usage())
	}
	step, err := spec.New(argument)
	if err != nil {
		return Step{}, shift(err, len(name)+1)
	}
	step.Name, step.Kind = text, spec.Kind
	return step, nil
}

func exampleOf(s *Spec) string {
	if len(s.Examples) == 0 {
		return ""
	}
	return "for example " + s.Examples[len(s.Examples)-1]
}

func unknownStage(name string) error {
	if name == "" {
		return At(0, allNames(), "the name of a stage is missing")
	}
	if first := strings.FieldsFunc(name, func(r rune) bool { return r == '|' || r == ',' || r == ' ' }); len(first) > 1 && Lookup(first[0]) != nil {
		return At(len(first[0]), "give each stage as a spec of its own", "after %s comes nothing, or a colon", first[0])
	}
	return At(0, didYouMean(name, names()), "there is no stage %s", quote(name))
}

func names() []string {
	all := make([]string, len(Table))
	for i := range Table {
		all[i] = Table[i].Name
	}
	return all
}

func allNames() string { return "the stages are " + strings.Join(names(), ", ") }
