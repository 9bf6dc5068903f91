package pair

import (
	"math"

	"dgram"
	"dgram/wire/app"
)

// A request is one that waits for its reply, or was given up and may still be answered late.
type request struct {
	identity      app.Identity // of the message; without one, hashes of its bytes
	no            uint64
	time          int64
	next, prev    uint32 // in the flow's list
	newer, elder  uint32 // in the timeline
	after, before uint32 // in the ring of those that look the same; itself, where it is alone
	flow          uint32
	back          uint32 // how much smaller the number of the first attempt is
	sum           uint16 // of the UDP header, by which an ICMP error that quotes it is recognised
	attempt       uint8  // from 1
	marks         requestMarks
	replies       uint16
}

type requestMarks uint8

const (
	upwards    requestMarks = 1 << iota // it goes into direction 1
	identified                          // identity is the message's
	asksGroup                           // any number of hosts may answer
	answered                            // one of them has: the request stays for the others
	gaveUp                              // it may only be answered late
	doubtful                            // perhaps it wants no reply
	indexed                             // it stands in its ring
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
		sum: sumOf(s.p), prev: side.waitingLast, after: number, before: number}
	if r.time == 0 {
		r.time = t.now
	}
	if s.m.HasIdentity {
		r.marks |= identified
	}
	elder := side.waitingLast
	if elder != 0 {
		t.requests.at(elder).next = number
	} else {
		side.waiting = number
	}
	side.waitingLast = number
	t.push(&t.waiting, number)
	if elder != 0 {
		if t.requests.at(elder).marks&indexed == 0 {
			t.join(elder)
		}
		t.join(number)
	}
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

// same finds a request of flow into direction d that looks as s does. Of several it is the one asked first, and of the
// attempts at that the latest one; those that wait go before those that were given up, which are looked at if late is set.
func (t *Tracker) same(s *sight, number uint32, f *flow, d direction, late bool) uint32 {
	l := lookOf(s, number, f, d)
	oldest := t.alike(&l, 0)
	if oldest == 0 && late {
		oldest = t.alike(&l, gaveUp)
	}
	if oldest == 0 {
		return 0
	}
	return t.foremost(oldest)
}

// foremost is the request of a ring that is to be answered first: of those asked first the latest attempt. oldest is the ring's
// oldest, as is whatever has waited longest in its side.
func (t *Tracker) foremost(oldest uint32) uint32 {
	newest := t.requests.at(oldest).before
	best, first := oldest, t.requests.at(oldest).first()
	if t.requests.at(newest).first() == first {
		return newest
	}
	for n, others, looks := t.requests.at(oldest).after, 0, 0; n != oldest && others < maxAlike && looks < maxAttempts; looks++ {
		r := t.requests.at(n)
		if r.first() <= first {
			best, first = n, r.first()
		} else {
			others++
		}
		n = r.after
	}
	return best
}

// settle decides what became of a request that waits, and lets go of it, unless it may be answered late.
func (t *Tracker) settle(number uint32, fate dgram.Fate, by uint64, rtt int64) {
	r := t.requests.at(number)
	f := t.flows.at(r.flow)
	t.unwait(number, r, f)
	if r.marks&answered == 0 {
		t.tell(r, f, fate, by, rtt)
	}
	t.leave(number)
	if fate != dgram.Silent {
		t.requests.give(number)
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
	t.join(number)
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
	t.leave(number)
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
