package pair

import "dgram/wire/app"

// Requests of one side that look the same form a ring, in the order in which they were asked: those that wait one, those
// that were given up another. The index knows each ring by its oldest request, so that one of ten thousand identical
// datagrams costs no more to find, to add and to remove than one of its kind. A request that waits alone in its side
// needs no index, and most do.

// maxAlike is among how many requests of a ring one is looked for. It matters only where as many look the same but are
// not: they differ in the case of letters, or behind much that is equal.
const maxAlike = 16

// maxAttempts is among how many attempts at one thing the latest is looked for, where something else that looks the same was
// asked behind them.
const maxAttempts = 256

// A look is what a ring is found by. Two requests with an identity look the same if that is the same; two without one, if
// their bytes are, but for the case of letters.
type look struct {
	flow       uint32 // its number
	f          *flow
	direction  direction
	identified bool
	identity   app.Identity
}

func lookOf(s *sight, number uint32, f *flow, d direction) look {
	return look{number, f, d, s.m.HasIdentity, s.identity}
}

func (t *Tracker) lookAt(r *request) look {
	return look{r.flow, t.flows.at(r.flow), r.direction(), r.marks&identified != 0, r.identity}
}

func (l *look) is(r *request) bool {
	return r.identity[1] == l.identity[1] && r.flow == l.flow && r.direction() == l.direction &&
		(r.marks&identified != 0) == l.identified && (!l.identified || r.identity[0] == l.identity[0])
}

// lookHash mixes a look with this tracker's secret. state is 0 for those that wait, or gaveUp.
func (t *Tracker) lookHash(l *look, state requestMarks) uint32 {
	what := l.identity[1]
	if l.identified {
		what ^= fold(l.identity[0]^t.secret[0], t.secret[1])
	}
	return uint32(fold(what^t.secret[2], uint64(l.f.hash)<<8^uint64(l.direction|direction(state))^t.secret[3]) >> 32)
}

// ring finds the oldest request of a ring; 0: there is none.
func (t *Tracker) ring(l *look, state requestMarks, hash uint32) uint32 {
	number, place := t.index.find(hash, t.index.start(hash))
	for ; number != 0; number, place = t.index.find(hash, place) {
		if r := t.requests.at(number); r.marks&gaveUp == state && l.is(r) {
			return number
		}
	}
	return 0
}

// alike finds the oldest request with that look, among those that wait (state 0) or were given up; 0: there is none.
func (t *Tracker) alike(l *look, state requestMarks) uint32 {
	side := &l.f.sides[l.direction]
	switch {
	case state == gaveUp && side.givenUp == 0, state == 0 && side.waiting == 0:
		return 0
	case state == 0 && side.waiting == side.waitingLast:
		if l.is(t.requests.at(side.waiting)) {
			return side.waiting
		}
		return 0
	}
	return t.ring(l, state, t.lookHash(l, state))
}

// join enters a request into the index, behind those that look the same.
func (t *Tracker) join(number uint32) {
	r := t.requests.at(number)
	r.marks |= indexed
	l := t.lookAt(r)
	state := r.marks & gaveUp
	hash := t.lookHash(&l, state)
	oldest := t.ring(&l, state, hash)
	if oldest == 0 {
		r.after, r.before = number, number
		t.index.add(hash, number)
		return
	}
	first := t.requests.at(oldest)
	r.after, r.before = oldest, first.before
	t.requests.at(first.before).after = number
	first.before = number
}

// leave takes a request out of the index.
func (t *Tracker) leave(number uint32) {
	r := t.requests.at(number)
	if r.marks&indexed == 0 {
		return
	}
	r.marks &^= indexed
	l := t.lookAt(r)
	hash := t.lookHash(&l, r.marks&gaveUp)
	if r.after == number {
		t.index.remove(hash, number)
		return
	}
	t.requests.at(r.after).before = r.before
	t.requests.at(r.before).after = r.after
	t.index.replace(hash, number, r.after)
	r.after, r.before = number, number
}
