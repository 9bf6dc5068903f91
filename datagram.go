package dgram

import (
	"syscall"
	"time"
)

// MaxPayload is the largest UDP payload over IPv4 in bytes: 65,535 less 20 of IP header and 8 of UDP header (RFC 768, RFC 791).
const MaxPayload = 65507

// Datagram is one slot of a [Batch]: a datagram that arrived or is to be sent, or (where Fate is set on arrival) the network's report
// on one that was sent before.
//
// Its memory belongs to the Batch: Data is valid until the Batch is next received into or reset.
type Datagram struct {
	// ID numbers the datagrams of this process, sent and received in one count, from 1. Recv gives a received one its ID; Send gives
	// a reply its own and moves the request's to Re.
	ID uint64
	// Re is the ID of the request that this datagram answers, 0 for none.
	Re uint64
	// Data is the payload. A stage may change its bytes, shorten it, or make it longer with Resize. Never append to it.
	Data []byte
	// Peer is the other end: where it came from, and so where a reply goes.
	Peer Endpoint
	// Local is the address that it arrived on, and so where a reply leaves from. The zero Endpoint lets the system choose.
	Local Endpoint
	// Segment, if not 0, says that the slot carries several datagrams of one flow: each is so many bytes of Data, one behind the other, and
	// the last may be shorter (UDP_GRO and UDP_SEGMENT, udp(7)). Recv makes such slots only where [Options].Segments asks for it. They
	// have one fate and consecutive numbers, of which ID and Re are the first.
	Segment int
	// Time is the kernel's receive time where it was asked for ([Options].Timestamps), else the zero Time.
	Time time.Time
	// Err is the errno behind a Failed, Refused or Unreachable fate.
	Err syscall.Errno
	// Interface is the index of the interface that it arrived on, where known, else 0.
	Interface int32
	// TTL and TOS are the IP header's time to live (IPv6: hop limit) and type of service (traffic class) where they were asked for.
	TTL, TOS uint8
	// Truncated says that the datagram was longer than the buffer and has lost its end.
	Truncated bool
	// Deferred marks what settles after its batch had settled: the request was Pending until now.
	Deferred bool
	// Copy marks an extra copy of a reply, which is counted apart.
	Copy bool
	// Fate is how it ended. Send skips slots that already have one and gives every other slot one. On arrival a Fate other than
	// Undecided marks a notice: not a datagram, but a report that one sent to Peer was Refused, Unreachable or Failed; Data is then
	// what the report quoted of its payload.
	Fate Fate
	// Reason says why it was Dropped.
	Reason Reason

	numbered bool // ID is its number as one that is sent
	batch    *Batch
}

// Request returns the number of the datagram that began the matter: Re for a reply, ID for a request.
func (d *Datagram) Request() uint64 {
	if d.Re != 0 {
		return d.Re
	}
	return d.ID
}

// Count returns how many datagrams the slot carries: 1, but for a slot with segments.
func (d *Datagram) Count() int {
	if d.Segment <= 0 || d.Segment >= len(d.Data) {
		return 1
	}
	return (len(d.Data) + d.Segment - 1) / d.Segment
}

// At returns datagram i of the slot, 0 <= i < Count, as a slot of its own; its Data is a part of d's.
func (d *Datagram) At(i int) Datagram {
	one := *d
	if d.Count() == 1 {
		return one
	}
	start := i * d.Segment
	end := min(start+d.Segment, len(d.Data))
	one.Data, one.Segment = d.Data[start:end:end], 0
	one.ID += uint64(i)
	if d.Re != 0 {
		one.Re += uint64(i)
	}
	return one
}

// Notice reports whether the slot, fresh from Recv, is a report on a datagram sent before, not a datagram.
func (d *Datagram) Notice() bool { return d.Fate != Undecided }

// Resize makes Data n bytes long and keeps what fits of its content; bytes that it gains have no particular value. Room comes from
// the slot's own buffer or, failing that, from the batch's bounded arena. It reports false, and changes nothing, if n is over
// MaxPayload or the arena is full: the stage then drops the datagram ([ReasonTooBig]).
func (d *Datagram) Resize(n int) bool {
	if n > MaxPayload {
		return false
	}
	if n <= cap(d.Data) {
		d.Data = d.Data[:n]
		return true
	}
	if d.batch == nil {
		return false
	}
	room := d.batch.take(n)
	if room == nil {
		return false
	}
	copy(room, d.Data)
	d.Data = room
	return true
}

// SetData makes Data a copy of p, as Resize finds room.
func (d *Datagram) SetData(p []byte) bool {
	if !d.Resize(len(p)) {
		return false
	}
	copy(d.Data, p)
	return true
}

// DropFor gives the datagram the fate Dropped with that reason.
func (d *Datagram) DropFor(r Reason) { d.Fate, d.Reason = Dropped, r }
