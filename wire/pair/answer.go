package pair

import (
	"time"

	"dgram"
	"dgram/wire/app"
)

// answer takes a packet that answers: its kind says so, or it goes against the direction in which is asked.
func (t *Tracker) answer(s *sight) Note {
	asker := &s.f.sides[1-s.d]
	if s.m.HasIdentity {
		return t.answerIdentified(s)
	}
	if number := t.same(s, s.number, s.f, 1-s.d, false); number != 0 {
		s.f.marks |= echoing
		return t.pair(s, number)
	}
	if s.f.marks&echoing != 0 {
		if again := s.f.repeated(s.payload); again != nil {
			return duplicate(again)
		}
		if number := t.same(s, s.number, s.f, 1-s.d, true); number != 0 {
			return t.late(s, number)
		}
	}
	switch {
	case asker.waiting != 0 && s.f.key.protocol != groupKey:
		return t.pair(s, t.foremost(asker.waiting))
	case s.m.Session:
		return Note{Role: Data}
	}
	return t.tooLate(s, asker)
}

// answerIdentified takes a reply that says itself what it answers.
func (t *Tracker) answerIdentified(s *sight) Note {
	number := t.same(s, s.number, s.f, 1-s.d, true)
	if number != 0 && t.requests.at(number).marks&gaveUp == 0 {
		return t.pair(s, number)
	}
	if known := s.f.answered(identityHash(s)); known != nil {
		if s.m.Session {
			return Note{Role: Data}
		}
		return again(s, known)
	}
	if number != 0 {
		return t.late(s, number)
	}
	return t.elsewhere(s)
}

// again takes a reply to what was answered already.
func again(s *sight, known *recent) Note {
	if known.reply == s.payload {
		return duplicate(known)
	}
	known.reply = s.payload
	return Note{Role: Further, Fate: dgram.Matched, Re: known.no}
}

func duplicate(known *recent) Note {
	return Note{Role: Duplicate, Fate: dgram.Duplicate, Re: known.no}
}

// tooLate takes a reply without an identity that no request of its flow waits for.
func (t *Tracker) tooLate(s *sight, asker *side) Note {
	if s.f.kinship != noKin && asker.packets == 0 {
		return t.elsewhere(s)
	}
	if known := s.f.repeated(s.payload); known != nil {
		return duplicate(known)
	}
	if asker.givenUp != 0 && s.f.key.protocol != groupKey {
		return t.late(s, asker.givenUp)
	}
	if known := s.f.latest(0); known.no != 0 {
		return again(s, known)
	}
	return t.unasked(s)
}

// unasked takes a reply to nothing that was seen.
func (t *Tracker) unasked(s *sight) Note {
	if s.m.Session {
		return Note{Role: Data}
	}
	if s.m.Kind == app.Unknown && t.unheard(s) && s.f.marks&oneWay != 0 {
		return Note{Role: OneWay, Fate: dgram.Ignored}
	}
	return Note{Role: Unasked}
}

// pair takes a reply to a request that waits for it.
func (t *Tracker) pair(s *sight, number uint32) Note {
	r := t.requests.at(number)
	f := t.flows.at(r.flow)
	rtt := since(r, s)
	r.replies = min(r.replies+1, 1<<16-2)
	n := Note{Role: Reply, Fate: dgram.Matched, Re: r.no, RTT: duration(rtt), Count: uint32(r.replies), Ambiguous: r.attempt > 1}
	if r.marks&answered != 0 {
		return t.oneMore(s, n)
	}
	t.supersede(s, r, number)
	t.measure(f, r, s, rtt)
	f.marks |= heard
	known := recent{r.no, identityHashOf(r), s.payload}
	if r.marks&asksGroup != 0 {
		t.tell(r, f, dgram.Answered, s.p.No, rtt)
		r.marks |= answered
	} else {
		t.settle(number, dgram.Answered, s.p.No, rtt)
		f.remember(known)
	}
	if s.f != f {
		s.f.remember(known)
	}
	return n
}

// oneMore takes a further reply to what was asked of a group: the same host's once more, or another one's.
func (t *Tracker) oneMore(s *sight, n Note) Note {
	if known := s.f.repeated(s.payload); known != nil && known.no == n.Re {
		return duplicate(known)
	}
	s.f.remember(recent{n.Re, identityHash(s), s.payload})
	n.Role = Further
	return n
}

func identityHashOf(r *request) uint32 {
	return identityHash(&sight{identity: r.identity})
}

// supersede settles the other attempts at what was answered.
func (t *Tracker) supersede(s *sight, r *request, number uint32) {
	attempt := func(o *request) bool {
		return o.first() == r.first() && o.identity == r.identity && o.marks&answered == 0
	}
	earliest := number
	for n, others := r.before, 0; n != number && others < maxAlike; n = t.requests.at(n).before {
		if attempt(t.requests.at(n)) {
			earliest = n
		} else {
			others++
		}
	}
	for n := earliest; n != number; {
		o, settled := t.requests.at(n), n
		n = o.after
		if attempt(o) {
			t.settle(settled, dgram.Superseded, s.p.No, since(o, s))
		}
	}
}

// measure records a round trip, unless it is not known which attempt was answered (Karn's rule: RFC 6298, Section 3).
func (t *Tracker) measure(f *flow, r *request, s *sight, rtt int64) {
	f.pairs++
	t.counts.pairs++
	if r.attempt > 1 || s.p.Time == 0 || s.p.Time < r.time {
		return
	}
	t.record(rtt)
	f.maxRTT = max(f.maxRTT, rtt)
	if rtt = max(rtt, 1); f.minRTT == 0 || rtt < f.minRTT {
		f.minRTT = rtt
	}
}

// late takes a reply to a request that was given up.
func (t *Tracker) late(s *sight, number uint32) Note {
	r := t.requests.at(number)
	f := t.flows.at(r.flow)
	n := Note{Role: Late, Fate: dgram.Late, Re: r.no, RTT: duration(since(r, s)), Count: 1, Ambiguous: r.attempt > 1}
	f.marks |= heard
	f.remember(recent{r.no, identityHashOf(r), s.payload})
	t.forget(number)
	return n
}

// since is the time from a request to what is seen, in nanoseconds; 0 where it is not known.
func since(r *request, s *sight) int64 {
	if s.p.Time == 0 {
		return 0
	}
	return max(s.p.Time-r.time, 0)
}

func duration(ns int64) time.Duration { return time.Duration(ns) }
