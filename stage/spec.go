package stage

import (
	"fmt"
	"strings"
)

// Spec is one line of the [Table]: a stage's name, what may follow it, and how it is made. Help, completion and errors derive from it.
type Spec struct {
	Name     string   // what stands before the colon
	Kind     Kind     // given to the step
	Argument string   // what stands after the colon: "" nothing, "TEXT" always something, "[unicode]" perhaps something
	Summary  string   // what it does, in a line, without a full stop
	Examples []string // whole specs that can be typed as they are
	// New reads the argument ("" where there is none) and returns the step; Parse fills in its Name and Kind. An error made by [At] says
	// where in the argument the mistake is.
	New func(argument string) (Step, error)
}

// Usage returns how the spec is written: "upper[:unicode]", "prefix:TEXT", "echo".
func (s *Spec) Usage() string {
	switch {
	case s.Argument == "":
		return s.Name
	case s.optional():
		return s.Name + "[:" + s.Argument[1:]
	}
	return s.Name + ":" + s.Argument
}

func (s *Spec) optional() bool { return strings.HasPrefix(s.Argument, "[") }

// Lookup returns the spec with that name, or nil.
func Lookup(name string) *Spec {
	for i := range Table {
		if Table[i].Name == name {
			return &Table[i]
		}
	}
	return nil
}

// Usage returns the table as --help prints it: a line for each stage with what it does.
func Usage() string {
	width := 0
	for i := range Table {
		width = max(width, len([]rune(Table[i].Usage())))
	}
	var b strings.Builder
	for i := range Table {
		s := &Table[i]
		fmt.Fprintf(&b, "  %-*s  %s\n", width, s.Usage(), s.Summary)
	}
	return b.String()
}

// Complete returns the beginnings of specs that word can grow into, for a shell's completion: names, with a colon where something must
// follow.
func Complete(word string) []string {
	var found []string
	for i := range Table {
		s := &Table[i]
		full := s.Name
		if s.Argument != "" && !s.optional() {
			full += ":"
		}
		if strings.HasPrefix(full, word) {
			found = append(found, full)
		}
	}
	return found
}
