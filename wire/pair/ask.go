package pair

import (
	"encoding/binary"
	"math"
	"time"

	"dgram"
	"dgram/wire"
	"dgram/wire/app"
)

// A flow is one-way once one side has sent so many different datagrams and nothing has come back to the first of them within the
// Timeout, or to very many. Somebody who asks in vain repeats the question; who only tells does not.
const (
	oneWayAfter  = 8
	oneWayAtOnce = 4096
)

// soonestRetry is how long somebody waits at least before asking the same again, where the round trip is not known: what
// comes sooner was sent twice on purpose.
const soonestRetry = int64(time.Millisecond)

// ask takes a packet that asks.
func (t *Tracker) ask(s *sight) Note {
	if s.m.Session && t.inSession(s) {
		return Note{Role: Data}
	}
	marks := requestMarks(0)
	if s.m.Kind == app.Unknown && t.unheard(s) {
		if s.f.marks&oneWay != 0 {
			return Note{Role: OneWay, Fate: dgram.Ignored}
		}
		marks |= doubtful
	}
	if s.f.marks&toGroup != 0 {
		marks |= asksGroup
	}
	earlier, before := t.askedBefore(s)
	r := t.enter(s, marks)
	n := Note{Role: Request, Fate: dgram.Pending, Count: 1}
	if earlier != 0 && earlier < r.no && r.no-earlier <= math.MaxUint32 {
		r.back, r.attempt = uint32(r.no-earlier), before+1
		if before == math.MaxUint8 {
			r.attempt = before
		}
		n.Role, n.Re, n.Count = Retry, earlier, uint32(r.attempt)
	}
	return n
}

// inSession says whether the session was opened already, or is being opened.
func (t *Tracker) inSession(s *sight) bool {
	if !s.m.HasIdentity {
		return s.f.pairs > 0 || s.f.sides[s.d].waiting != 0
	}
	return t.same(s, s.number, s.f, s.d, false) != 0 || s.f.answered(identityHash(s)) != nil
}

func identityHash(s *sight) uint32 {
	return uint32(fold(s.identity[0]^0x9e3779b97f4a7c15, s.identity[1]^0xd6e8feb86659fd93))
}

// unheard says that nothing has ever answered this side. It counts what is new, and makes the flow one-way where there has
// been enough of it.
func (t *Tracker) unheard(s *sight) bool {
	if !s.f.unheard(s.d) {
		return false
	}
	mine := &s.f.sides[s.d]
	if (mine.packets == 1 || uint16(s.payload) != mine.lastHash) && mine.novel < oneWayAtOnce {
		mine.novel++
		mine.lastHash = uint16(s.payload)
	}
	if mine.novel >= oneWayAtOnce || mine.novel >= oneWayAfter && t.now-s.f.first >= int64(t.config.Timeout) {
		t.becomeOneWay(s.f, mine)
	}
	return true
}

func (f *flow) unheard(d direction) bool { return f.sides[1-d].packets == 0 && f.marks&heard == 0 }

// becomeOneWay takes back that requests of this side were lost, and waits for none of them any longer.
func (t *Tracker) becomeOneWay(f *flow, mine *side) {
	f.marks |= oneWay
	t.counts.fates[dgram.Silent] -= uint64(f.doubtful)
	t.counts.fates[dgram.Ignored] += uint64(f.doubtful)
	f.lost -= uint32(f.doubtful)
	f.doubtful = 0
	for number := mine.waiting; number != 0; {
		r := t.requests.at(number)
		next := r.next
		if r.marks&doubtful != 0 {
			t.settle(number, dgram.Ignored, 0, 0)
		}
		number = next
	}
	for number := mine.givenUp; number != 0; {
		r := t.requests.at(number)
		elder := r.prev
		if r.marks&doubtful != 0 {
			t.forget(number)
		}
		number = elder
	}
}

// askedBefore returns the number of the first attempt at what s asks, and how many there have been; 0: this is the first.
func (t *Tracker) askedBefore(s *sight) (no uint64, attempts uint8) {
	if number := t.latestAttempt(s); number != 0 {
		r := t.requests.at(number)
		if s.m.HasIdentity || s.p.Time-r.time >= retryAfter(s.f) {
			return r.first(), r.attempt
		}
		return 0, 0
	}
	// The reply may have been lost behind the place of the capture. Only an identity can tell that from the next question.
	// What was asked by multicast DNS, or under a token of CoAP, may be asked again.
	if s.m.HasIdentity && s.m.Protocol != app.MDNS && s.m.Protocol != app.CoAP {
		if answered := s.f.answered(identityHash(s)); answered != nil {
			return answered.no, 1
		}
	}
	return 0, 0
}

// latestAttempt finds the last request that is the same as s and has no reply.
func (t *Tracker) latestAttempt(s *sight) uint32 {
	l := lookOf(s, s.number, s.f, s.d)
	for _, state := range [...]requestMarks{0, gaveUp} { // those that were given up are older
		oldest := t.alike(&l, state)
		if oldest == 0 {
			continue
		}
		for n, looks := t.requests.at(oldest).before, 0; looks < maxAlike; looks++ {
			r := t.requests.at(n)
			if r.identity == s.identity && r.marks&answered == 0 {
				return n
			}
			if n == oldest {
				break
			}
			n = r.before
		}
	}
	return 0
}

// retryAfter is how long after a request the same one is a retry.
func retryAfter(f *flow) int64 {
	if f.minRTT > 0 {
		return 2 * f.minRTT
	}
	return soonestRetry
}

// sumOf is what a UDP header has that tells datagrams of a flow apart: checksum and length.
func sumOf(p *wire.Packet) uint16 {
	if p.HasPorts && len(p.Transport) >= 8 {
		return quotedSum(p.Transport)
	}
	return 0
}

func quotedSum(udp []byte) uint16 {
	return binary.BigEndian.Uint16(udp[4:]) ^ binary.BigEndian.Uint16(udp[6:])
}
