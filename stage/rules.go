package stage

import (
	"strings"

	"dgram"
)

var ruleSpec = Spec{
	Name: "rule", Kind: Rule, Argument: "PATTERN => REPLY",
	Summary:  "that reply where the datagram matches; else the next stage has it",
	Examples: []string{`rule:"ping" => "pong"`, `rule:/^add (\d+)$/ => "added {1}"`, "rule:length<4 => ignore"},
	New: func(argument string) (Step, error) {
		r, err := parseRule(argument)
		if err != nil {
			return Step{}, err
		}
		return rulesStep([]rule{r}), nil
	},
}

// ReasonRule is why a datagram was dropped that a rule drops.
var ReasonRule = dgram.NewReason("rule")

// rule is a line of a rules file: every pattern must match, and then the reply is its.
type rule struct {
	patterns []pattern
	reply    ruleReply
}

// ruleReply is exactly one of: ignore, drop, a transform, a template.
type ruleReply struct {
	ignore, drop bool
	transform    *Step
	template     template
}

func (r *rule) match(payload []byte) (groups []int, ok bool) {
	for _, p := range r.patterns {
		found, ok := p.match(payload)
		if !ok {
			return nil, false
		}
		if found != nil {
			groups = found
		}
	}
	return groups, true
}

// rulesStep returns the step that answers by the first of the rules that matches.
func rulesStep(rules []rule) Step {
	s := Step{Kind: Rule}
	for i := range rules {
		s.Needs |= rules[i].reply.template.needs
		if t := rules[i].reply.transform; t != nil {
			s.Needs |= t.Needs
		}
	}
	s.New = func() Stage { return newRuleStage(rules) }
	return s
}

// ruleStage is one goroutine's own: the rules are shared, transforms and scratch are not.
type ruleStage struct {
	rules      []rule
	transforms []Stage // by rule; nil where the rule has none
	scratch    []byte
}

func newRuleStage(rules []rule) *ruleStage {
	s := &ruleStage{rules: rules, transforms: make([]Stage, len(rules))}
	for i := range rules {
		if t := rules[i].reply.transform; t != nil {
			s.transforms[i] = t.New()
		}
	}
	return s
}

// Apply decides the reply by the first rule that matches, and leaves alone what none does.
func (s *ruleStage) Apply(c *Context, d *dgram.Datagram, e *Effect) {
	for i := range s.rules {
		groups, ok := s.rules[i].match(d.Data)
		if !ok {
			continue
		}
		e.Decided = true
		switch r := &s.rules[i].reply; {
		case r.ignore:
			e.Ignore = true
		case r.drop:
			e.Drop = ReasonRule
		case r.transform != nil:
			s.transforms[i].Apply(c, d, e)
		default:
			s.scratch = r.template.fill(s.scratch[:0], c, d, groups)
			if len(s.scratch) > dgram.MaxPayload || !d.SetData(s.scratch) {
				e.Drop = dgram.ReasonTooBig
			}
		}
		return
	}
}

const arrow = "=>"

// parseRule reads PATTERN… => REPLY.
func parseRule(s string) (rule, error) {
	var r rule
	var re *expression
	at := blanks(s, 0)
	for !strings.HasPrefix(s[at:], arrow) {
		if at == len(s) {
			return rule{}, At(at, `a rule is PATTERN => REPLY, as in "ping" => "pong"`, "%s is missing", arrow)
		}
		p, n, err := scanPattern(s[at:])
		if err != nil {
			return rule{}, shift(err, at)
		}
		if e, ok := p.(expression); ok {
			if re != nil {
				return rule{}, At(at, "", "a rule has one regular expression at most")
			}
			re = &e
		}
		r.patterns = append(r.patterns, p)
		end := at + n
		at = blanks(s, end)
		if at == end && at < len(s) && !strings.HasPrefix(s[at:], arrow) {
			return rule{}, At(at, "put a blank between two patterns; both must then match", "the pattern ends here, but something follows it")
		}
	}
	if len(r.patterns) == 0 {
		return rule{}, At(at, "* matches every datagram", "the pattern before %s is missing", arrow)
	}
	at = blanks(s, at+len(arrow))
	reply, err := parseReply(strings.TrimRight(s[at:], " \t"), re)
	if err != nil {
		return rule{}, shift(err, at)
	}
	r.reply = reply
	return r, nil
}

// blanks returns the first place from at on where no blank stands.
func blanks(s string, at int) int { return len(s) - len(strings.TrimLeft(s[at:], " \t")) }

// parseReply reads "template", 0xBYTES, ignore, drop, or the spec of a transform. re is the rule's regular expression, or nil.
func parseReply(s string, re *expression) (ruleReply, error) {
	switch s {
	case "":
		return ruleReply{}, At(0, replyHint, "the reply is missing")
	case "ignore":
		return ruleReply{ignore: true}, nil
	case "drop":
		return ruleReply{drop: true}, nil
	}
	if s[0] == '"' {
		g := grammar{quoted: true, fields: true, regexp: re != nil}
		if re != nil {
			g.groups = re.NumSubexp()
		}
		t, n, err := scanTemplate(s[1:], g)
		if err != nil {
			return ruleReply{}, shift(err, 1)
		}
		return ruleReply{template: t}, nothingAfter(s, n+1)
	}
	if text, n, err := scanLiteral(s); err != nil || n > 0 {
		if err != nil {
			return ruleReply{}, err
		}
		return ruleReply{template: template{parts: []part{{text: string(text)}}}}, nothingAfter(s, n)
	}
	return parseTransformReply(s)
}

const replyHint = `replies are "text", 0x0aff, ignore, drop, or a transform such as upper`

func nothingAfter(s string, at int) error {
	if at < len(s) {
		return At(blanks(s, at), "a comment has a line of its own", "after the reply comes nothing")
	}
	return nil
}

func parseTransformReply(s string) (ruleReply, error) {
	name, _, _ := strings.Cut(s, ":")
	spec := Lookup(name)
	if spec == nil {
		known := []string{"ignore", "drop"}
		for i := range Table {
			if Table[i].Kind == Transform {
				known = append(known, Table[i].Name)
			}
		}
		hint := didYouMean(name, known)
		if !strings.HasPrefix(hint, "did you mean") {
			hint = `a text stands in quotes: "like this"`
			if strings.Trim(s, wordLetters) == "" {
				hint = `a text stands in quotes: "` + s + `"`
			}
		}
		return ruleReply{}, At(0, hint, "there is no reply %s", quote(s))
	}
	if spec.Kind != Transform {
		return ruleReply{}, At(0, replyHint, "%s is a %s: a rule's reply can only be a transform", name, spec.Kind)
	}
	step, err := parseSpec(s)
	if err != nil {
		return ruleReply{}, err
	}
	return ruleReply{transform: &step}, nil
}
