package filter

import (
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// A tokenKind is what a token is.
type tokenKind uint8

const (
	end       tokenKind = iota
	wordToken           // a word of the language
	nameToken           // any other name, and what stands behind a backslash
	numberToken
	dottedToken // two to four decimal numbers with dots between: an address, or the beginning of one
	ip6Token
	macToken
	signToken // an operator or a bracket
)

// A token is the smallest thing that means something.
type token struct {
	kind tokenKind
	text string // as it stands there; without the backslash
	at   int    // where, in bytes
	num  uint32 // of a numberToken
	ip   netip.Addr
	mac  [6]byte
}

// is says that t is one of these words or signs.
func (t token) is(texts ...string) bool {
	if t.kind != wordToken && t.kind != signToken {
		return false
	}
	for _, text := range texts {
		if t.text == text {
			return true
		}
	}
	return false
}

// shapes are those of tokens. As in tcpdump's own reader the longest counts, and of equal ones the first in this order.
type shapes struct{ mac, number, dotted, ip6, name, escape, sign *regexp.Regexp }

// tokenShapes is made when the first filter is read: most runs of a program have none.
var tokenShapes = sync.OnceValue(func() shapes {
	return shapes{
		mac: regexp.MustCompile(`^(?:(?i:[0-9a-f]{12}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2})|` +
			`(?i:[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}|[0-9a-f]{1,2}(?:-[0-9a-f]{1,2}){5}|[0-9a-f]{1,2}(?:\.[0-9a-f]{1,2}){5}))`),
		number: regexp.MustCompile(`^(?:0[xX][0-9a-fA-F]+|[0-9]+)`),
		dotted: regexp.MustCompile(`^[0-9]+(?:\.[0-9]+){1,3}`),
		ip6:    regexp.MustCompile(`^[0-9a-fA-F:.]{2,45}`),
		name:   regexp.MustCompile(`^[A-Za-z0-9](?:[-_.A-Za-z0-9]*[.A-Za-z0-9])?`),
		escape: regexp.MustCompile(`^\\[^ !()\n\t]+`),
		sign:   regexp.MustCompile(`^(?:&&|\|\||<<|>>|<=|>=|==|!=|[][()!<>=:/+*%&|^-])`),
	}
})

// longest is more than anybody writes, and bounds what a hostile filter can cost.
const longest = 1 << 20

// tokens cuts a filter into tokens; an end token is the last.
func tokens(expr string) ([]token, error) {
	if len(expr) > longest {
		return nil, &SyntaxError{Expr: expr, Problem: fmt.Sprintf("it has %d bytes, more than the %d that a filter may have", len(expr), longest)}
	}
	var all []token
	for at := 0; ; {
		at += len(expr[at:]) - len(strings.TrimLeft(expr[at:], " \t\r\n"))
		if at == len(expr) {
			return append(all, token{at: at}), nil
		}
		t, size, err := scan(expr[at:])
		if err != nil {
			e := &SyntaxError{Expr: expr, Offset: at, Word: expr[at : at+size], Problem: err.Error()}
			return nil, e
		}
		t.at = at
		all = append(all, t)
		at += size
	}
}

// scan reads the token that rest begins with, and says how long it is.
func scan(rest string) (token, int, error) {
	shape := tokenShapes()
	if name := shape.escape.FindString(rest); name != "" {
		return token{kind: nameToken, text: name[1:]}, len(name), nil
	}
	var best string
	kind := end
	longer := func(text string, k tokenKind) {
		if len(text) > len(best) {
			best, kind = text, k
		}
	}
	longer(shape.mac.FindString(rest), macToken)
	longer(shape.number.FindString(rest), numberToken)
	longer(shape.dotted.FindString(rest), dottedToken)
	longer(findIP6(rest), ip6Token)
	longer(shape.name.FindString(rest), nameToken)
	longer(shape.sign.FindString(rest), signToken)
	t := token{kind: kind, text: best}
	var err error
	switch kind {
	case end:
		_, size := utf8.DecodeRuneInString(rest)
		return t, size, fmt.Errorf("%q means nothing in a filter", rest[:size])
	case macToken:
		t.mac = readMAC(best)
	case ip6Token:
		t.ip = netip.MustParseAddr(best)
	case numberToken:
		t.num, err = readNumber(best)
	case nameToken:
		if reserved(best) {
			t.kind = wordToken
		}
	}
	return t, len(best), err
}

// findIP6 returns the longest IPv6 address that rest begins with.
func findIP6(rest string) string {
	for s := tokenShapes().ip6.FindString(rest); strings.Count(s, ":") > 1; s = s[:len(s)-1] {
		if addr, err := netip.ParseAddr(s); err == nil && addr.Is6() {
			return s
		}
	}
	return ""
}

// readMAC reads what has the shape of a MAC address.
func readMAC(s string) (mac [6]byte) {
	parts := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(":-.", r) })
	for i, part := range parts {
		if len(parts) == len(mac) && len(part) == 1 {
			parts[i] = "0" + part
		}
	}
	b, err := hex.DecodeString(strings.Join(parts, ""))
	if err == nil {
		copy(mac[:], b)
	}
	return mac
}

// readNumber reads a number as C has it.
func readNumber(s string) (uint32, error) {
	base, digits := 10, s
	switch {
	case len(s) > 1 && (s[1] == 'x' || s[1] == 'X'):
		base, digits = 16, s[2:]
	case len(s) > 1 && s[0] == '0':
		base, digits = 8, s[1:]
	}
	n, err := strconv.ParseUint(digits, base, 64)
	switch {
	case base == 8 && strings.ContainsAny(digits, "89"):
		return 0, fmt.Errorf("%s begins with 0, so it is octal, and has a digit that is not", s)
	case err != nil || n > math.MaxUint32:
		return 0, fmt.Errorf("%s has more than 32 bits", s)
	}
	return uint32(n), nil
}
