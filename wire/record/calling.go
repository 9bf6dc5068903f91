package record

import (
	"hash/maphash"
	"net"
	"net/netip"
	"time"

	"dgram"
)

// tried is an attempt of a client that is in the file.
type tried struct {
	id, number uint64
	time       int64
	hash       uint64
	peer       dgram.Endpoint
	fate       dgram.Fate
}

// mostTried bounds how many attempts are remembered, and mostCompared how many a new one or a late reply is compared with.
const (
	mostTried    = 4096
	mostCompared = 256
)

var seed = maphash.MakeSeed()

// called records a batch of a client that has been sent. Both locks are held.
func (t *tap) called(b *dgram.Batch, at int64) {
	r := t.recorder
	for i := range b.Datagrams {
		d := &b.Datagrams[i]
		if d.Fate != dgram.Pending {
			if !isNotice(d) || d.Fate == dgram.Failed {
				r.later.unsent += uint64(d.Count())
			}
			continue
		}
		if !r.room(d.Count(), len(d.Data)) {
			r.leaveOut(d.Count())
			continue
		}
		e := entry{kind: attempt, time: at, peer: d.Peer, fate: d.Fate}
		t.own(d, &e.local)
		for j := range d.Count() {
			one := d.At(j)
			if r.side == Measuring {
				r.sent.set(one.ID, r.add(&e, one.Data), at)
				continue
			}
			r.try(&e, &one)
		}
	}
}

// try adds an attempt, and says what it repeats.
func (r *Recorder) try(e *entry, d *dgram.Datagram) {
	a := tried{id: d.ID, time: e.time, hash: maphash.Bytes(seed, d.Data), peer: d.Peer, fate: dgram.Pending}
	e.kind = attempt
	if before := r.later.last(func(b *tried) bool { return b.hash == a.hash && b.peer == a.peer && b.repeatable(a.time) }); before != nil {
		e.kind, e.fate = retry, before.fate
		e.pair(place{number: before.number, time: before.time})
	}
	a.number = r.add(e, d.Data)
	r.later.tried(a)
}

// impatience is how soon nobody tries again what has not been answered: such a datagram only has the same bytes.
const impatience = int64(time.Millisecond)

// repeatable reports whether an attempt at that time can be one more of the same exchange.
func (b *tried) repeatable(at int64) bool {
	return b.fate != dgram.Answered && (b.fate != dgram.Pending || at-b.time >= impatience)
}

// Late implements [dgram.Tap].
func (t *tap) Late(id uint64, f dgram.Fate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.recorder.side == Serving {
		t.recorder.mu.Lock()
		t.recorder.later.note(t.recorder.sent.get(id).number, f, dgram.NoReason)
		t.recorder.mu.Unlock()
		return
	}
	if a := t.find(id); a != nil && f >= dgram.Matched {
		t.tell(a, f)
	} else {
		t.attempted(id, f)
	}
	t.settled()
}

// tell gives an arrival its fate, and the attempt that it seems to be about.
func (t *tap) tell(a *arrival, f dgram.Fate) {
	if a.fate == dgram.Undecided {
		t.untold--
	}
	a.fate = f
	t.matched = none
	if f == dgram.Matched {
		t.matched = t.index(a)
	}
	r := t.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.later.last(func(b *tried) bool { return b.peer.Same(a.peer) && fits(b.fate, f) }); b != nil {
		a.pair(place{number: b.number, time: b.time})
	}
}

// fits reports whether a reply with that fate can be one to an attempt that has the other.
func fits(attempt, reply dgram.Fate) bool {
	switch reply {
	case dgram.Matched:
		return attempt == dgram.Pending || attempt == dgram.Answered
	case dgram.Late:
		return attempt == dgram.Silent || attempt == dgram.Superseded || attempt == dgram.Answered
	case dgram.Duplicate:
		return attempt == dgram.Answered
	}
	return false
}

func (t *tap) index(a *arrival) int {
	for i := range t.arrived {
		if &t.arrived[i] == a {
			return i
		}
	}
	return none
}

// attempted notes what became of an attempt. The client tells it right after the reply that decided it.
func (t *tap) attempted(id uint64, f dgram.Fate) {
	r := t.recorder
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.later.find(id)
	if b == nil {
		return
	}
	b.fate = f
	if f == dgram.Answered && t.matched != none {
		t.arrived[t.matched].pair(place{number: b.number, time: b.time})
		t.matched = none
	}
	if f != dgram.Answered {
		r.later.note(b.number, f, dgram.NoReason)
	}
}

// settled writes the arrivals as soon as all is known of them, and none is an answer to what is still being sent.
func (t *tap) settled() {
	if len(t.arrived) > 0 && t.untold <= 0 && t.matched == none && len(t.sending) == 0 {
		t.commit()
	}
}

// route knows the address that this machine sends from, for a socket that is bound to none.
type route struct {
	peer  netip.Addr
	local netip.Addr
}

// from asks the system, once for each peer, by connecting a socket that sends nothing.
func (w *route) from(peer, local dgram.Endpoint) dgram.Endpoint {
	if to := peer.Addr(); to != w.peer && peer.Port() != 0 {
		w.peer, w.local = to, netip.Addr{}
		if c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(peer.AddrPort())); err == nil {
			w.local = c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
			_ = c.Close()
		}
	}
	if !w.local.IsValid() {
		return local
	}
	return dgram.IPEndpoint(local.Network(), netip.AddrPortFrom(w.local, local.Port()))
}
