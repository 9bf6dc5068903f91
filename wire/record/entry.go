package record

import (
	"syscall"

	"dgram"
)

// entry is one datagram to be written, with what is known of its fate.
type entry struct {
	time        int64 // nanoseconds since 1970
	took        int64 // nanoseconds between it and other, where other is known
	other       uint64
	lost        uint64 // packets left out just before it
	peer, local dgram.Endpoint
	start, size int // its payload
	err         syscall.Errno
	kind        kind
	fate        dgram.Fate
	reason      dgram.Reason
	ttl, tos    uint8
	truncated   bool
}

// kind says what a datagram is in its exchange.
type kind uint8

const (
	request kind = iota // came in, to a server
	reply               // went out, from a server
	extra               // a further copy of one
	attempt             // went out, from a client
	retry               // with the bytes of an earlier one, which is other and had the fate that it says
	answer              // came in, to a client
	unasked             // the same, and no request waits for it
)

func (k kind) outgoing() bool { return k == reply || k == extra || k == attempt || k == retry }

// place is where a datagram stands in the file.
type place struct {
	id     uint64 // of the datagram in the process; 0: nothing
	number uint64 // in the file
	time   int64
}

// ring remembers the places of the latest datagrams by their numbers, which follow one another.
type ring struct {
	places []place
}

const ringSize = 1 << 15

func (r *ring) set(id, number uint64, time int64) {
	if r.places == nil {
		r.places = make([]place, ringSize)
	}
	r.places[id%ringSize] = place{id, number, time}
}

// get returns the place of a datagram; number 0 where it is not known.
func (r *ring) get(id uint64) place {
	if r.places == nil || id == 0 {
		return place{}
	}
	if p := r.places[id%ringSize]; p.id == id {
		return p
	}
	return place{}
}

// pair links an entry to the packet that stands at p.
func (e *entry) pair(p place) {
	if p.number != 0 {
		e.other, e.took = p.number, max(e.time-p.time, 0)
	}
}
