package record

import (
	"sync"
	"time"

	"dgram"
)

// tap is the tap of one Conn. Its files: serving.go for a server's, calling.go for a client's.
type tap struct {
	recorder *Recorder
	local    dgram.Endpoint // where the socket is bound, maybe to a wildcard

	mu      sync.Mutex
	batch   *dgram.Batch // that was received and has not settled
	arrived []arrival    // what was in it
	bytes   []byte       // its payloads
	sending []departure  // batches being sent

	// Of a client:
	untold  int // arrivals without a fate
	matched int // the arrival whose request is about to be told; none
	route   route
}

const none = -1

// arrival is a datagram that was received and has not been written.
type arrival struct {
	entry
	id uint64
}

// departure is a batch that is being sent, and since when.
type departure struct {
	batch *dgram.Batch
	time  int64
}

// Received implements [dgram.Tap].
func (t *tap) Received(b *dgram.Batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.release()
	if t.recorder.full.Load() {
		t.recorder.leaveOut(received(b))
		return
	}
	t.batch = b
	now := int64(0)
	for i := range b.Datagrams {
		d := &b.Datagrams[i]
		if d.Notice() {
			continue
		}
		at := d.Time.UnixNano()
		if d.Time.IsZero() {
			if now == 0 {
				now = time.Now().UnixNano()
			}
			at = now
		}
		t.keep(d, at)
	}
	switch t.recorder.side {
	case Calling:
		if t.untold = len(t.arrived); t.untold > 0 {
			t.recorder.waits(t)
		}
	case Measuring:
		t.commit()
	}
}

// received counts the datagrams of a batch that are no notices.
func received(b *dgram.Batch) (n int) {
	for i := range b.Datagrams {
		if d := &b.Datagrams[i]; !d.Notice() {
			n += d.Count()
		}
	}
	return n
}

// keep copies a slot, each of its datagrams for itself.
func (t *tap) keep(d *dgram.Datagram, at int64) {
	kind := request
	if t.recorder.side != Serving {
		kind = answer
	}
	start := len(t.bytes)
	t.bytes = append(t.bytes, d.Data...)
	for i, n := 0, d.Count(); i < n; i++ {
		size := len(segment(d, i, n))
		t.arrived = append(t.arrived, arrival{})
		a := &t.arrived[len(t.arrived)-1] // filled in its place: a server does this a million times a second
		a.id, a.kind, a.time, a.start, a.size = d.ID+uint64(i), kind, at, start, size
		a.peer, a.ttl, a.tos, a.truncated = d.Peer, d.TTL, d.TOS, d.Truncated
		t.own(d, &a.local)
		if t.recorder.side == Measuring {
			if a.fate = dgram.Matched; d.Re == 0 {
				a.kind = unasked
			} else {
				a.other = d.Re + uint64(i)
			}
		}
		start += size
	}
}

// segment is the payload of datagram i of the n in a slot.
func segment(d *dgram.Datagram, i, n int) []byte {
	if n == 1 {
		return d.Data
	}
	return d.Data[i*d.Segment : min((i+1)*d.Segment, len(d.Data))]
}

// own finds our end of a datagram: the address that it came to or leaves from, as far as the socket knows.
func (t *tap) own(d *dgram.Datagram, local *dgram.Endpoint) {
	*local = t.local
	if d.Local.IsValid() {
		*local = d.Local
	}
	if t.recorder.side != Serving && local.Network().IP() && local.Addr().IsUnspecified() {
		*local = t.route.from(d.Peer, *local)
	}
}

// find returns the arrival of that number in the process. Those of a batch follow one another.
func (t *tap) find(id uint64) *arrival {
	if len(t.arrived) == 0 {
		return nil
	}
	if i := id - t.arrived[0].id; i < uint64(len(t.arrived)) && t.arrived[i].id == id {
		return &t.arrived[i]
	}
	for i := range t.arrived {
		if t.arrived[i].id == id {
			return &t.arrived[i]
		}
	}
	return nil
}

// Sending implements [dgram.Tap]: it notes when.
func (t *tap) Sending(b *dgram.Batch) {
	if t.recorder.full.Load() && t.recorder.side != Calling {
		return
	}
	now := time.Now().UnixNano()
	t.mu.Lock()
	t.sending = append(t.sending, departure{b, now})
	t.mu.Unlock()
}

// began is when a batch that has settled was being sent, and takes it off the list.
func (t *tap) began(b *dgram.Batch) int64 {
	for i := range t.sending {
		if t.sending[i].batch == b {
			at, last := t.sending[i].time, len(t.sending)-1
			t.sending[i] = t.sending[last]
			t.sending = t.sending[:last]
			return at
		}
	}
	return time.Now().UnixNano()
}

// Settled implements [dgram.Tap].
func (t *tap) Settled(b *dgram.Batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.began(b)
	t.recorder.mu.Lock()
	if t.recorder.side == Serving {
		t.served(b, at)
	} else {
		t.called(b, at)
	}
	t.recorder.rouse()
	t.recorder.mu.Unlock()
	if t.recorder.side == Calling {
		t.settled()
	}
}

// release writes what came before and has waited for a fate that was not told.
func (t *tap) release() {
	if len(t.arrived) > 0 {
		t.commit()
	}
}

// commit writes the arrivals as they are, and forgets them.
func (t *tap) commit() {
	r := t.recorder
	r.mu.Lock()
	if r.room(len(t.arrived), len(t.bytes)) {
		for i := range t.arrived {
			a := &t.arrived[i]
			if r.side == Measuring && a.other != 0 {
				asked := r.sent.get(a.other)
				a.other = 0
				a.pair(asked)
			}
			payload := t.payload(a)
			r.add(&a.entry, payload)
		}
		r.rouse()
	} else {
		r.leaveOut(len(t.arrived))
	}
	if r.side == Calling {
		delete(r.waiting, t)
	}
	r.mu.Unlock()
	t.forget()
}

func (t *tap) payload(a *arrival) []byte { return t.bytes[a.start : a.start+a.size] }

func (t *tap) forget() {
	t.batch, t.arrived, t.bytes = nil, t.arrived[:0], t.bytes[:0]
	t.untold, t.matched = 0, none
}

// end writes what waits: the Conn is closed.
func (t *tap) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.release()
}
