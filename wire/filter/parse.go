package filter

import (
	"fmt"
	"strings"

	"dgram/internal/wording"
)

// A parser reads tokens from left to right, one function for each thing of the grammar.
type parser struct {
	config Config
	expr   string
	tokens []token
	at     int // in tokens
	depth  int
}

// deepest is how many parentheses and nots may stand in each other.
const deepest = 200

// Qualifiers are the words before an id. An id that has none inherits those of the term before it.
type qualifiers struct {
	of   proto
	dir  direction
	what string // "host", "net", "port", "portrange", "proto"; "" where nothing can be inherited
	bare bool   // what was not written, and is "host"
}

func (p *parser) token() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != end {
		p.at++
	}
	return t
}

// accept goes past the next token if it is one of these.
func (p *parser) accept(texts ...string) bool {
	if p.token().is(texts...) {
		p.at++
		return true
	}
	return false
}

// mistake is an error at a token.
func (p *parser) mistake(t token, hint, format string, args ...any) *SyntaxError {
	return &SyntaxError{Expr: p.expr, Offset: t.at, Word: t.text, Problem: fmt.Sprintf(format, args...), Hint: hint}
}

// aTest is what is missing where nothing that stands there begins one.
const aTest = "a test"

// unexpected is the error for a token that cannot stand where it stands.
func (p *parser) unexpected(t token, wanted string) *SyntaxError {
	hint, isRefused := refusedWords[t.text]
	switch {
	case t.kind == end:
		return p.mistake(t, "", "it ends where %s is missing", wanted)
	case t.kind == wordToken && isRefused:
		return p.mistake(t, hint, "%s is in tcpdump's language and not in this one", t.text)
	case t.kind == nameToken:
		hint = "here stands " + wanted
		if wanted == aTest {
			hint = "understood are host, net, port, portrange, src, dst, udp, tcp, icmp, ip, ip6, arp, ether, vlan, len, udp[0:2] = 53 and the like"
		}
		if near := wording.Nearest(t.text, allWords()); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		return p.mistake(t, hint, "%q is not known", t.text)
	}
	return p.mistake(t, "", "%q stands where %s should", t.text, wanted)
}

// deeper guards the stack against a filter of nothing but parentheses.
func (p *parser) deeper(t token) error {
	if p.depth++; p.depth > deepest {
		return p.mistake(t, "", "more than %d parentheses stand in each other", deepest)
	}
	return nil
}

func (p *parser) filter() (node, error) {
	if p.token().kind == end {
		return allNode{}, nil
	}
	n, _, err := p.expression(qualifiers{})
	if err != nil {
		return nil, err
	}
	if t := p.token(); t.kind != end {
		return nil, p.unexpected(t, "and, or, or the end")
	}
	return n, nil
}

// expression reads terms joined by and and or. It returns what the next id would inherit.
func (p *parser) expression(q qualifiers) (node, qualifiers, error) {
	left, q, err := p.term(q)
	for err == nil {
		and := p.token().is("and", "&&")
		if !and && !p.token().is("or", "||") {
			return left, q, nil
		}
		p.at++
		var right node
		if right, q, err = p.term(q); and {
			left = &andNode{left, right}
		} else {
			left = &orNode{left, right}
		}
	}
	return nil, q, err
}

func (p *parser) term(q qualifiers) (node, qualifiers, error) {
	t := p.token()
	if t.is("not", "!") {
		p.at++
		if err := p.deeper(t); err != nil {
			return nil, q, err
		}
		defer func() { p.depth-- }()
		n, after, err := p.term(q)
		return &notNode{n}, after, err
	}
	if n, ok, err := p.relation(); ok || err != nil {
		return n, qualifiers{}, err
	}
	switch {
	case t.is("("):
		n, err := p.group(q)
		return n, q, err
	case t.kind == wordToken:
		return p.test()
	case q.what != "" && startsID(t):
		n, err := p.id(q)
		return n, q, err
	}
	return nil, q, p.lonely(t)
}

// lonely is the error for an id that nothing says the kind of.
func (p *parser) lonely(t token) error {
	switch t.kind {
	case numberToken:
		return p.mistake(t, "port "+t.text+", perhaps?", "nothing says what %s is a number of", t.text)
	case dottedToken, ip6Token:
		return p.mistake(t, "host "+t.text+", perhaps?", "nothing says what to do with the address %s", t.text)
	case macToken:
		return p.mistake(t, "ether host "+t.text+", perhaps?", "nothing says what to do with the address %s", t.text)
	}
	return p.unexpected(t, aTest)
}

func (p *parser) group(q qualifiers) (node, error) {
	if err := p.deeper(p.next()); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	n, _, err := p.expression(q)
	if err == nil && !p.accept(")") {
		err = p.unexpected(p.token(), "a closing parenthesis")
	}
	return n, err
}

// test reads a test that begins with a word.
func (p *parser) test() (node, qualifiers, error) {
	t := p.next()
	switch t.text {
	case "less", "greater":
		n, err := p.lengthTest(t)
		return n, qualifiers{}, err
	case "inbound", "outbound":
		return &way{out: t.text == "outbound"}, qualifiers{}, nil
	case "vlan":
		n, err := p.vlan()
		return n, qualifiers{}, err
	}
	p.at--
	of := anyProto
	if word, ok := protocolWords[t.text]; ok {
		of = word
		p.at++
	}
	if p.token().is("broadcast", "multicast") {
		n, err := p.cast(of, t)
		return n, qualifiers{}, err
	}
	q, err := p.qualifiers(of)
	switch {
	case err != nil:
		return nil, q, err
	case q.what != "":
		n, err := p.id(q)
		return n, q, err
	case of == linkProto:
		return nil, q, p.mistake(t, "ether host, ether proto and ether[...] are understood", "%s alone says nothing", t.text)
	case of == anyProto:
		return nil, q, p.unexpected(p.token(), aTest)
	}
	return word(of), qualifiers{}, nil
}

// word is what the word for a protocol means alone.
func word(of proto) node {
	if entry := protocols[of]; entry.ether == 0 {
		return &protocol{number: entry.number, v4: entry.v4, v6: entry.v6}
	}
	return &etherType{protocols[of].ether}
}

// qualifiers reads the direction and what kind of thing the id is; none of both: what stays empty.
func (p *parser) qualifiers(of proto) (qualifiers, error) {
	q := qualifiers{of: of}
	if p.accept("proto") {
		q.what = "proto"
		return q, nil
	}
	directed := p.direction(&q)
	t := p.token()
	switch {
	case p.accept("host", "net", "port", "portrange"):
		q.what = t.text
	case directed && t.is("proto"):
		return q, p.mistake(t, "", "a protocol has no src and no dst")
	case directed:
		q.what, q.bare = "host", true
	}
	return q, p.suits(q, t)
}

func (p *parser) direction(q *qualifiers) bool {
	first := p.token().text
	if !p.accept("src", "dst") {
		return false
	}
	other := "src"
	if q.dir = dstEnd; first == "src" {
		q.dir, other = srcEnd, "dst"
	}
	if p.token().is("or", "and", "&&", "||") && p.tokens[p.at+1].is(other) {
		if q.dir = bothEnds; p.token().is("or", "||") {
			q.dir = eitherEnd
		}
		p.at += 2
	}
	return true
}

// suits says whether a protocol has such a thing.
func (p *parser) suits(q qualifiers, t token) error {
	name := protocols[q.of].name
	switch q.what {
	case "port", "portrange":
		if q.of != anyProto && !q.of.hasPorts() {
			return p.mistake(t, "udp, tcp and sctp have", "%s has no ports", name)
		}
	case "host", "net":
		switch q.of {
		case anyProto, ipProto, ip6Proto, arpProto, rarpProto, linkProto:
		default:
			return p.mistake(t, name+" and host ..., perhaps?", "%s has no addresses of its own", name)
		}
	}
	return nil
}

func (p *parser) lengthTest(t token) (node, error) {
	n := p.next()
	if n.kind != numberToken {
		return nil, p.unexpected(n, "a number of bytes")
	}
	op := "<="
	if t.text == "greater" {
		op = ">="
	}
	return &relation{op, length{}, number(n.num)}, nil
}

func (p *parser) vlan() (node, error) {
	start := p.at
	brackets := 0
	for p.accept("(") {
		brackets++
	}
	t := p.token()
	if t.kind != numberToken {
		p.at = start
		return &vlan{id: -1}, nil
	}
	p.at++
	for range brackets {
		if !p.accept(")") {
			return nil, p.unexpected(p.token(), "a closing parenthesis")
		}
	}
	if t.num > 4095 {
		return nil, p.mistake(t, "", "a VLAN has a number up to 4095")
	}
	return &vlan{id: int(t.num)}, nil
}

func (p *parser) cast(of proto, first token) (node, error) {
	t := p.next()
	switch {
	case of == anyProto:
		of = linkProto
	case of == linkProto, of == ipProto, of == ip6Proto && t.text == "multicast":
	default:
		return nil, p.mistake(t, "ether broadcast, ether multicast, ip broadcast, ip multicast and ip6 multicast are understood",
			"there is no %s %s", strings.ToLower(first.text), t.text)
	}
	return &cast{of: of, broadcast: t.text == "broadcast"}, nil
}
