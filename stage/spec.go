package stage

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"dgram/internal/wording"
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

// usageWidth is the width of a terminal that everybody has.
const usageWidth = 80

// Usage returns the table as --help prints it: each stage with what it does, in lines of at most 80 cells.
func Usage() string {
	name := 0
	for i := range Table {
		name = max(name, utf8.RuneCountInString(Table[i].Usage()))
	}
	var b strings.Builder
	for i := range Table {
		s := &Table[i]
		left := s.Usage()
		for line := range strings.Lines(wording.Fill(s.Summary, usageWidth-name-4, utf8.RuneCountInString)) {
			fmt.Fprintf(&b, "  %-*s  %s\n", name, left, strings.TrimSuffix(line, "\n"))
			left = ""
		}
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
