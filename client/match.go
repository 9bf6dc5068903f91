package client

import "bytes"

// Match says how a reply from the right address finds the exchange that it answers. A plain payload carries no number, so without knowing
// what the peer does to it there is only order to go by, and after a loss order goes wrong: see [Pairing] for how each reply tells.
type Match struct {
	// Accept reports whether reply can be the answer to request. It keeps and changes neither, and is quick: it runs for each
	// exchange that is outstanding or remembered.
	Accept func(request, reply []byte) bool
	// Order gives a reply that Accept takes for no exchange, outstanding or remembered, to the oldest one outstanding. Without it such
	// a reply is Stray.
	Order bool
}

// The ways to match. MatchAuto knows the reply of an upper-case, lower-case or echo server by its letters and goes by order for any other.
var (
	MatchAuto  = Match{Accept: sameFold, Order: true}
	MatchOrder = Match{Order: true}         // the oldest outstanding, whatever the reply says
	MatchFold  = Match{Accept: sameFold}    // equal but for the case of ASCII letters
	MatchEcho  = Match{Accept: bytes.Equal} // equal
	MatchUpper = Match{Accept: isUpper}     // the request in ASCII upper case
)

func (m Match) orAuto() Match {
	if m.Accept == nil && !m.Order {
		return MatchAuto
	}
	return m
}

// sameFold compares without regard to the case of ASCII letters. Every other byte must be equal, valid UTF-8 or not; bytes.EqualFold would
// fold other letters too, and take any two invalid bytes for the same.
func sameFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && upper(a[i]) != upper(b[i]) {
			return false
		}
	}
	return true
}

func isUpper(request, reply []byte) bool {
	if len(request) != len(reply) {
		return false
	}
	for i := range request {
		if upper(request[i]) != reply[i] {
			return false
		}
	}
	return true
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}

// Pairing is how a reply was given to its exchange, and so how sure that is.
type Pairing uint8

// The pairings, the surest first.
const (
	PairedOnly    Pairing = iota // nothing else was waiting for an answer on that socket
	PairedContent                // of several, Match.Accept took it for this one alone
	PairedOrder                  // a guess: of several that it could answer, the oldest outstanding
)

// String returns "only", "content" or "order".
func (p Pairing) String() string {
	return [...]string{"only", "content", "order"}[min(p, PairedOrder)]
}
