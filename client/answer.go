package client

import (
	"bytes"
	"hash/maphash"
	"time"
	"unsafe"

	"dgram"
)

// maxCollected bounds what one exchange keeps, in bytes: of each reply its payload and, so that empty ones are bounded too, its entry.
const (
	maxCollected = 16 << 20
	entryBytes   = int(unsafe.Sizeof(Reply{}) + 2*unsafe.Sizeof(replyKey{}))
)

// replyKey tells collected replies apart: by who sent them, and by a hash of the payload under a key that nobody outside knows.
type replyKey struct {
	peer dgram.Endpoint
	hash uint64
}

var replySeed = maphash.MakeSeed()

func keyOf(d *dgram.Datagram) replyKey { return replyKey{d.Peer, maphash.Bytes(replySeed, d.Data)} }

// newReply copies what was received out of its batch.
func newReply(d *dgram.Datagram, now time.Time) Reply {
	data := bytes.Clone(d.Data)
	if data == nil {
		data = []byte{}
	}
	return Reply{ID: d.ID, Data: data, Peer: d.Peer, Local: d.Local, Received: now, KernelTime: d.Time, TTL: d.TTL, TOS: d.TOS,
		Interface: d.Interface, Truncated: d.Truncated}
}

// answer gives a reply to an exchange that is outstanding.
func (e *Exchange) answer(cl *claim, how Pairing, d *dgram.Datagram, now time.Time) {
	f := cl.flow
	cl.replies++
	dgram.TellLate(f.conn, d.ID, dgram.Matched)
	r := newReply(d, now)
	a := e.time(&r, f, how)
	f.client.observe(Event{Fate: dgram.Matched, Exchange: e.Number, Reply: r})
	if e.collected += len(r.Data) + entryBytes; e.collected > maxCollected {
		e.Omitted++
	} else {
		e.Replies = append(e.Replies, r)
		e.remember(d)
	}
	e.Peer = f.peer
	e.client.settleOn(f.address)
	if a != nil && a.Fate == dgram.Pending && len(e.Replies) == 1 {
		e.settle(a, dgram.Answered, 0)
	}
	if e.client.options.Collect == 0 {
		e.end(Answered, nil)
		return
	}
	e.client.schedule(e, e.Start.Add(e.client.options.Collect))
}

// time says which attempt on a flow a reply is taken to answer, and how long it took.
func (e *Exchange) time(r *Reply, f *flow, how Pairing) *Attempt {
	r.Pairing, r.Ambiguous = how, how == PairedOrder
	received := r.Received
	var last *Attempt
	for i := len(e.Attempts) - 1; i >= 0; i-- {
		a := &e.Attempts[i]
		if a.flow != f || a.Fate != dgram.Pending && a.Fate != dgram.Answered {
			continue
		}
		if last == nil {
			last = a
			if k := r.KernelTime; !k.IsZero() && k.After(a.Sent) && k.Before(received) {
				received = k
			}
			r.Attempt, r.RTT = a.Number, received.Sub(a.Sent)
		} else {
			r.Ambiguous = true
		}
		r.LongestRTT = received.Sub(a.Sent)
	}
	return last
}

// remember notes a reply for has.
func (e *Exchange) remember(d *dgram.Datagram) {
	if e.client.options.Collect == 0 {
		return
	}
	if e.seen == nil {
		e.seen = map[replyKey]struct{}{}
	}
	e.seen[keyOf(d)] = struct{}{}
}

// has reports whether the same reply from the same peer was collected before.
func (e *Exchange) has(d *dgram.Datagram) bool {
	_, ok := e.seen[keyOf(d)]
	return ok
}
