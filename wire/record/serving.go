package record

import "dgram"

// served records a batch of a server that has settled: the requests that came in it, then its replies. Both locks are held.
func (t *tap) served(b *dgram.Batch, at int64) {
	r := t.recorder
	own := b == t.batch
	arrived, bytes := 0, 0
	if own {
		arrived, bytes = len(t.arrived), len(t.bytes)
	}
	replies, more := leaving(b)
	if !r.room(arrived+replies, bytes+more) {
		r.leaveOut(arrived + replies)
		if own {
			t.forget()
		}
		r.noteLate(b)
		return
	}
	if own {
		t.requests(b, at)
	}
	for i := range b.Datagrams {
		if d := &b.Datagrams[i]; isReply(d) {
			t.replies(d, at)
		} else if d.Deferred {
			r.later.note(r.sent.get(d.Request()).number, d.Fate, d.Reason)
		}
	}
	if own {
		t.forget()
	}
}

// isReply reports whether a slot that has settled went out.
func isReply(d *dgram.Datagram) bool { return d.Fate == dgram.Answered && d.Re != 0 }

// isNotice tells a report that came with the requests from a reply that the system would not take: the reply has its request in Re.
func isNotice(d *dgram.Datagram) bool {
	return d.Fate == dgram.Refused || d.Fate == dgram.Unreachable || d.Fate == dgram.Failed && d.Re == 0
}

func leaving(b *dgram.Batch) (replies, bytes int) {
	for i := range b.Datagrams {
		if d := &b.Datagrams[i]; isReply(d) {
			replies += d.Count()
			bytes += len(d.Data)
		}
	}
	return replies, bytes
}

// noteLate keeps the fates of what was pending, when its packets are left out.
func (r *Recorder) noteLate(b *dgram.Batch) {
	for i := range b.Datagrams {
		if d := &b.Datagrams[i]; d.Deferred && d.Fate != dgram.Answered {
			r.later.note(r.sent.get(d.Request()).number, d.Fate, d.Reason)
		}
	}
}

// requests adds what came in the batch, each with its fate, and with the number that its reply will have.
func (t *tap) requests(b *dgram.Batch, at int64) {
	r := t.recorder
	next := r.number + uint64(len(t.arrived))
	for i := range b.Datagrams {
		d := &b.Datagrams[i]
		sent := isReply(d)
		if isNotice(d) {
			continue
		}
		for j := range d.Count() {
			if sent {
				next++
			}
			a := t.find(d.Request() + uint64(j))
			if a == nil {
				continue
			}
			a.fate, a.reason, a.err = d.Fate, d.Reason, d.Err
			if sent {
				a.other, a.took = next, max(at-a.time, 0)
			}
		}
	}
	for i := range t.arrived {
		a := &t.arrived[i]
		r.sent.set(a.id, r.add(&a.entry, t.payload(a)), a.time)
	}
}

// replies adds the datagrams of a slot that went out.
func (t *tap) replies(d *dgram.Datagram, at int64) {
	r := t.recorder
	kind := reply
	if d.Copy {
		kind = extra
	}
	for i, n := 0, d.Count(); i < n; i++ {
		e := r.place(segment(d, i, n))
		e.kind, e.time, e.peer, e.fate = kind, at, d.Peer, d.Fate
		t.own(d, &e.local)
		e.pair(r.sent.get(d.Re + uint64(i)))
	}
}
