package stage

import (
	"fmt"
	"io"
	"os"
	"strings"
)

var rulesSpec = Spec{
	Name: "rules", Kind: Rule, Argument: "FILE",
	Summary:  "the first rule of a file that matches decides the reply; else the next stage has it",
	Examples: []string{"rules:replies.rules"},
	New: func(argument string) (Step, error) {
		text, err := readRules(argument)
		if err != nil {
			return Step{}, err
		}
		return Rules(argument, text)
	},
}

// Bounds of a rules file: bytes of the file, and rules in it, each of which is tried on a datagram that no earlier one matched.
const (
	maxRulesFile = 1 << 20
	maxRules     = 10_000
)

func readRules(name string) (string, error) {
	if name == "" {
		return "", At(0, "as in rules:replies.rules", "the file is missing")
	}
	f, err := os.Open(name)
	if err != nil {
		return "", At(0, "", "the rules cannot be read: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxRulesFile+1))
	switch {
	case err != nil:
		return "", At(0, "", "the rules cannot be read: %w", err)
	case len(text) > maxRulesFile:
		return "", At(0, "", "a rules file has at most %d bytes", maxRulesFile)
	}
	return string(text), nil
}

// RulesUsage is the grammar of rules as --help prints it.
const RulesUsage = `One rule a line: PATTERN => REPLY. Empty lines and lines that begin with # say
nothing. The first rule whose patterns all match decides the reply: transforms,
rules and handlers after it are passed over, faults are not. What no rule
matches goes on to the next stage.

Patterns, of which several may stand side by side:
  "text"            the datagram is exactly this
  "text"*           begins with it
  *"text"           ends with it
  *"text"*          holds it
  0x0aff            bytes, with stars in the same way
  /expression/      a regular expression (RE2) matches somewhere; \/ is a slash
  length>100        bytes; also = != < <= >=
  *                 anything

Replies:
  "text {payload}"  with {peer} {local} {length} {sequence} {time} {payload}
                    filled in; {1} is what group 1 of the expression matched,
                    {0} all of it, {{ is {
  0x0aff            bytes
  ignore            none
  drop              none, and the account says dropped, for the reason rule
  upper             or any other transform, applied to the datagram

In quotes \n \r \t \" \\ \0 \xHH \uHHHH and the like stand for bytes and
characters.
`

// Rules returns the step of a whole rules file, whose grammar is [RulesUsage]; name is for errors, which are [*Error] with File and Line.
func Rules(name, text string) (Step, error) {
	var rules []rule
	text = strings.TrimPrefix(text, "\ufeff")
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if trimmed := strings.TrimLeft(line, " \t"); trimmed == "" || trimmed[0] == '#' {
			continue
		}
		r, err := parseRule(line)
		if err == nil && len(rules) == maxRules {
			err = At(0, "", "a rules file has at most %d rules", maxRules)
		}
		if err != nil {
			e := locate(err, "rule", line)
			e.File, e.Line = name, number
			return Step{}, e
		}
		rules = append(rules, r)
	}
	if len(rules) == 0 {
		return Step{}, &Error{What: "rules", Text: name, Column: 1, placed: true,
			Problem: fmt.Sprintf("there is no rule in %s", quote(name)), Hint: `write a line such as "ping" => "pong"`}
	}
	step := rulesStep(rules)
	step.Name = "rules:" + name
	return step, nil
}
