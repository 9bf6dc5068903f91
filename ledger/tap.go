package ledger

import (
	"time"

	"dgram"
)

// Received keeps what arrives: a server's requests, a client's replies, and notices.
func (s *Stream) Received(b *dgram.Batch) {
	arrival := request
	if s.cfg.Side == Calling {
		arrival = reply
	}
	s.keep(b, func(d *dgram.Datagram) kind {
		if d.Notice() {
			return notice
		}
		return arrival
	})
}

// Sending does nothing: the bytes are still there when it has settled.
func (s *Stream) Sending(*dgram.Batch) {}

// Settled keeps what was sent, and the fates of what was not.
func (s *Stream) Settled(b *dgram.Batch) {
	if s.cfg.Side == Calling {
		s.keep(b, func(*dgram.Datagram) kind { return request })
		return
	}
	s.keep(b, settledKind)
}

func settledKind(d *dgram.Datagram) kind {
	switch {
	case isNotice(d):
		return nothing
	case d.Re != 0 && (d.Fate == dgram.Answered || d.Fate == dgram.Failed):
		return reply
	}
	return fate
}

// Late keeps a fate that came without a sending.
func (s *Stream) Late(id uint64, f dgram.Fate) {
	if !s.wants[fate] {
		return
	}
	if s.closed() {
		s.omit(1)
		return
	}
	s.mu.Lock()
	s.put(fate, time.Now(), &dgram.Datagram{ID: id, Fate: f})
	s.mu.Unlock()
	s.signal()
}

// closed reports whether there is no room, and no use in taking the lock to see.
func (s *Stream) closed() bool { return s.silent.Load() || s.full.Load() }

// keep puts the slots of a batch that are of a type that is wanted.
func (s *Stream) keep(b *dgram.Batch, kindOf func(*dgram.Datagram) kind) {
	now := time.Now()
	closed := s.closed()
	if !closed {
		s.mu.Lock()
	}
	for i := range b.Datagrams {
		d := &b.Datagrams[i]
		k := kindOf(d)
		switch {
		case !s.wants[k]:
		case closed:
			s.omit(d.Count())
		default:
			for j := range d.Count() {
				one := d.At(j)
				s.put(k, now, &one)
			}
		}
	}
	if !closed {
		s.mu.Unlock()
		s.signal()
	}
}

// put copies a datagram into the backlog, or leaves it out. The caller holds the lock.
func (s *Stream) put(k kind, now time.Time, d *dgram.Datagram) {
	b := s.filling
	n := len(d.Data)
	if k == fate {
		n = 0
	}
	if s.cfg.Payload > 0 {
		n = min(n, s.cfg.Payload)
	}
	if len(b.records) >= s.cfg.Events || len(b.bytes)+n > s.cfg.Bytes || s.silent.Load() {
		s.full.Store(true)
		s.omit(1)
		return
	}
	if !s.inTime(now) {
		s.omit(1)
		return
	}
	r := record{kind: k, time: now, omitted: s.gap.Swap(0), slot: *d, size: len(d.Data)}
	if k != fate {
		start := len(b.bytes)
		b.bytes = append(b.bytes, d.Data[:n]...)
		r.payload = b.bytes[start:len(b.bytes):len(b.bytes)]
	}
	r.slot.Data = nil
	if !d.Time.IsZero() && (k == notice || d.Fate == dgram.Undecided) {
		r.time = d.Time
	}
	b.records = append(b.records, r)
}

// inTime reports whether PerSecond allows one more.
func (s *Stream) inTime(now time.Time) bool {
	if s.cfg.PerSecond <= 0 {
		return true
	}
	if now.Sub(s.second) >= time.Second {
		s.second, s.used = now, 0
	}
	s.used++
	return s.used <= s.cfg.PerSecond
}

// datagram makes the event of a record.
func (r *record) datagram() DatagramEvent {
	d := &r.slot
	e := DatagramEvent{
		Header: Header{Type: kindTypes[r.kind], Time: r.time},
		ID:     d.ID, Re: d.Re, Peer: name(d.Peer), Local: name(d.Local), Interface: d.Interface,
		Size: r.size, Payload: r.payload, Truncated: d.Truncated, Copy: d.Copy,
	}
	if d.Fate == dgram.Undecided {
		return e
	}
	e.Fate, e.Reason = d.Fate.String(), d.Reason.String()
	if d.Err != 0 && d.Fate != dgram.Answered {
		e.Errno = ErrnoName(d.Err)
	}
	if r.kind == fate {
		e.ID, e.Re = d.Request(), 0
	}
	return e
}
