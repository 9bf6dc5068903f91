package pair

import (
	"math"

	"dgram"
	"dgram/wire/app"
)

// A request is one that waits for its reply, or was given up and may still be answered late.
type request struct {
	identity     app.Identity // of the message; without one, hashes of its bytes
	no           uint64
	time         int64
	next, prev   uint32 // in the flow's list
	newer, elder uint32 // in the timeline
	flow         uint32
	back         uint32 // how much smaller the number of the first attempt is
	sum          uint16 // of the UDP header, by which an ICMP error that quotes it is recognised
	attempt      uint8  // from 1
	marks        requestMarks
	replies      uint16
}

type requestMarks uint8

const (
	upwards    requestMarks = 1 << iota // it goes into direction 1
	identified                          // identity is the message's
	asksGroup                           // any number of hosts may answer
	answered                            // one of them has: the request stays for the others
	gaveUp                              // it may only be answered late
	doubtful                            // perhaps it wants no reply
)

func (r *request) direction() direction { return direction(r.marks & upwards) }

func (r *request) first() uint64 { return r.no - uint64(r.back) }

// A timeline is a list of requests in the order of their time.
type timeline struct{ oldest, newest uint32 }

func (t *Tracker) push(l *timeline, number uint32) {
	r := t.requests.at(number)
	r.elder, r.newer = l.newest, 0
	if l.newest != 0 {
		t.requests.at(l.newest).newer = number
	} else {
		l.oldest = number
	}
	l.newest = number
}

func (t *Tracker) unlink(l *timeline, number uint32) {
	r := t.requests.at(number)
	if r.elder != 0 {
		t.requests.at(r.elder).newer = r.newer
	} else {
		l.oldest = r.newer
	}
	if r.newer != 0 {
		t.requests.at(r.newer).elder = r.elder
	} else {
		l.newest = r.elder
	}
}

// enter makes a request of what is seen, which waits from now on.
func (t *Tracker) enter(s *sight, marks requestMarks) *request {
	t.makeRoom()
	number := t.requests.take()
	r := t.requests.at(number)
	side := &s.f.sides[s.d]
	*r = request{identity: s.identity, no: s.p.No, time: s.p.Time, flow: s.number, attempt: 1, marks: marks | requestMarks(s.d),
		sum: sumOf(s.p), prev: side.waitingLast}
	if r.time == 0 {
		r.time = t.now
	}
	if s.m.HasIdentity {
		r.marks |= identified
	}
	if side.waitingLast != 0 {
		t.requests.at(side.waitingLast).next = number
	} else {
		side.waiting = number
	}
	side.waitingLast = number
	t.push(&t.waiting, number)
	t.index.add(t.indexHash(s.f, r.direction(), &r.identity, s.m.HasIdentity), number)
	return r
}

// makeRoom forgets a request where there are as many as may be: the one that was given up first, else the one that has
// waited longest.
func (t *Tracker) makeRoom() {
	if t.requests.taken() < 2*t.config.MaxFlows {
		return
	}
	if t.givenUp.oldest != 0 {
		t.forget(t.givenUp.oldest)
		return
	}
	t.settle(t.waiting.oldest, dgram.Undecided, 0, 0)
}

// indexHash is what a request of f is found by: its identity, else the bytes but for the case of letters.
func (t *Tracker) indexHash(f *flow, d direction, id *app.Identity, identified bool) uint32 {
	what := id[1]
	if identified {
		what ^= fold(id[0]^t.secret[0], t.secret[1])
	}
	return uint32(fold(what^t.secret[2], uint64(f.hash)<<8^uint64(d)^t.secret[3]) >> 32)
}

// same finds a request of flow into direction d that is recognised by what s shows; with exact, it must have the same bytes too where
// it has no identity. Of several it is the one asked first, and of the attempts at that the latest one; those that wait go before
// those that were given up, which are looked at if late is set.
func (t *Tracker) same(s *sight, number uint32, f *flow, d direction, exact, late bool) uint32 {
	hash := t.indexHash(f, d, &s.identity, s.m.HasIdentity)
	best := uint32(0)
	for n, place := t.index.find(hash, t.index.start(hash)); n != 0; n, place = t.index.find(hash, place) {
		r := t.requests.at(n)
		if r.flow != number || r.direction() != d || r.identity[1] != s.identity[1] || (r.marks&identified != 0) != s.m.HasIdentity ||
			(exact || s.m.HasIdentity) && r.identity[0] != s.identity[0] || !late && r.marks&gaveUp != 0 {
			continue
		}
		if best == 0 || r.before(t.requests.at(best)) {
			best = n
		}
	}
	return best
}

// before says whether r is to be answered before o.
func (r *request) before(o *request) bool {
	switch {
	case (r.marks^o.marks)&gaveUp != 0:
		return o.marks&gaveUp != 0
	case r.first() != o.first():
		return r.first() < o.first()
	}
	return r.no > o.no
}

// settle decides what became of a request that waits, and lets go of it, unless it may be answered late.
func (t *Tracker) settle(number uint32, fate dgram.Fate, by uint64, rtt int64) {
	r := t.requests.at(number)
	f := t.flows.at(r.flow)
	t.unwait(number, r, f)
	if r.marks&answered == 0 {
		t.tell(r, f, fate, by, rtt)
	}
	if fate != dgram.Silent {
		t.unindex(number, r, f)
		return
	}
	r.marks |= gaveUp
	side := &f.sides[r.direction()]
	r.next, r.prev = 0, side.givenUp
	if side.givenUp != 0 {
		t.requests.at(side.givenUp).next = number
	}
	side.givenUp = number
	t.push(&t.givenUp, number)
}

// tell counts a fate and reports it.
func (t *Tracker) tell(r *request, f *flow, fate dgram.Fate, by uint64, rtt int64) {
	t.counts.fates[fate]++
	switch fate {
	case dgram.Silent:
		f.lost++
		if r.marks&doubtful != 0 && f.doubtful < math.MaxUint16 {
			f.doubtful++
		}
	case dgram.Refused, dgram.Unreachable:
		f.countRefused()
	}
	t.config.OnSettled(Settled{No: r.no, Fate: fate, By: by, RTT: duration(rtt)})
}

func (f *flow) countRefused() {
	if f.refused < math.MaxUint16 {
		f.refused++
	}
}

// unwait takes a request from among those that wait.
func (t *Tracker) unwait(number uint32, r *request, f *flow) {
	side := &f.sides[r.direction()]
	if r.prev != 0 {
		t.requests.at(r.prev).next = r.next
	} else {
		side.waiting = r.next
	}
	if r.next != 0 {
		t.requests.at(r.next).prev = r.prev
	} else {
		side.waitingLast = r.prev
	}
	t.unlink(&t.waiting, number)
}

// forget lets go of a request that was given up.
func (t *Tracker) forget(number uint32) {
	r := t.requests.at(number)
	f := t.flows.at(r.flow)
	side := &f.sides[r.direction()]
	if r.prev != 0 {
		t.requests.at(r.prev).next = r.next
	}
	if r.next != 0 {
		t.requests.at(r.next).prev = r.prev
	} else {
		side.givenUp = r.prev
	}
	t.unlink(&t.givenUp, number)
	t.unindex(number, r, f)
}

func (t *Tracker) unindex(number uint32, r *request, f *flow) {
	t.index.remove(t.indexHash(f, r.direction(), &r.identity, r.marks&identified != 0), number)
	t.requests.give(number)
}

// expire gives up what has waited too long.
func (t *Tracker) expire() {
	for number := t.waiting.oldest; number != 0; number = t.waiting.oldest {
		r := t.requests.at(number)
		// A time that is far ahead is from before the clock was set back.
		if waited := t.now - r.time; waited < int64(t.config.Timeout) && waited > -int64(t.config.Idle) {
			return
		}
		f := t.flows.at(r.flow)
		side := &f.sides[r.direction()]
		switch {
		case r.marks&asksGroup != 0:
			t.settle(number, dgram.Ignored, 0, 0)
		case r.marks&doubtful != 0 && side.novel >= oneWayAfter && f.unheard(r.direction()):
			t.becomeOneWay(f, side)
		default:
			t.settle(number, dgram.Silent, 0, 0)
		}
	}
}
