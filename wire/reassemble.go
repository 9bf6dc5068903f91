package wire

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// How long the pieces of a datagram wait for each other, in the time of their frames: Linux's ipfrag_time and
// ip6frag_time (ip-sysctl.rst of the kernel's documentation; RFC 8200 section 4.5).
const (
	ReassemblyTime4 = 30 * time.Second
	ReassemblyTime6 = 60 * time.Second
)

// What a Reassembler holds at most where its fields are 0: as much as Linux does (ipfrag_high_thresh).
const (
	DefaultReassemblyBytes     = 4 << 20
	DefaultReassemblyDatagrams = 4096
)

// A Reassembler puts IP fragments together as Linux does: in any order; a piece that lies within what is there already
// counts as a duplicate and is ignored; one that overlaps otherwise, or contradicts where the datagram ends, throws the
// whole datagram away (RFC 5722). What misses a piece is given up after ReassemblyTime4 or ReassemblyTime6.
//
// Fragments belong together when addresses and identification are the same, with IPv4 the protocol too, and interface and
// VLAN of the capture. The zero value is ready. A Reassembler belongs to one goroutine.
type Reassembler struct {
	// MaxBytes and MaxDatagrams bound what waits; when there is more, the oldest datagrams go. 0: the defaults above.
	MaxBytes, MaxDatagrams int

	waiting map[fragmentKey]*partial
	ages    [2]ageList // of IPv4 and of IPv6: each waits its own time
	bytes   int        // held by waiting, buffers' whole capacity and bookkeeping included
	whole   []byte
	counts  ReassemblyCounts
}

// ReassemblyCounts says what became of the fragments that a Reassembler got.
type ReassemblyCounts struct {
	Whole      uint64 // datagrams that were put together
	TimedOut   uint64 // datagrams given up because a piece did not come in time
	Evicted    uint64 // datagrams given up because too much waited
	Refused    uint64 // datagrams thrown away: pieces overlapped, contradicted each other, or made more than IP can carry
	Duplicates uint64 // pieces that were there already
	Cut        uint64 // pieces of no use: the capture cut them, or their header is wrong
	Waiting    int    // datagrams that wait for pieces now
	Bytes      int    // memory that these take
}

type fragmentKey struct {
	src, dst  netip.Addr
	id        uint32
	iface     int
	vlan      uint16
	version   uint8
	protocol  uint8 // IPv4's; the pieces of an IPv6 datagram may differ in it
	stackSize uint8 // VLAN tags
}

// A partial is a datagram of which pieces are missing.
type partial struct {
	key        fragmentKey
	born       int64
	header     []byte // what stands before the data in the first piece, ready for the whole packet; nil before that came
	data       []byte // of the pieces in the order they came
	pieces     []piece
	have       int  // bytes, without header
	end        int  // of the data, as far as known
	last       bool // the last piece came: end is right
	size       int  // what it counts for in bytes
	prev, next *partial
}

// A piece is data[pos:] of a partial, and belongs at off up to end in the datagram. Pieces that came one behind the other
// at the end of what was there are of one run.
type piece struct{ off, end, pos, run int32 }

const pieceSize = 16

// What the lengths in their headers can count: IPv4's with the header itself, IPv6's without.
const (
	maxWhole4 = 65535
	maxWhole6 = 65535 + ipv6HeaderLength
)

// partialOverhead is what a partial takes beside its buffers, the map's share included.
const partialOverhead = 512

// Add takes a packet that Decode read. When p is the fragment that completes a datagram, p becomes the whole packet, and
// Add returns true: Fragment is false, Fragments the number of pieces, Network the packet as it was before it was cut up,
// and Transport, Payload, ports and all that is read from them are the whole packet's. No, Time, Length, Interface,
// Outgoing, Link and VLAN remain those of the fragment that came last, as Wireshark shows it. The bytes are the
// Reassembler's, and good until the next call of Add.
//
// In all other cases p remains as it is.
func (r *Reassembler) Add(p *Packet) bool {
	if !p.Fragment {
		return false
	}
	return r.add(p)
}

func (r *Reassembler) add(p *Packet) bool {
	r.Expire(p.Time)
	header, data, ok := splitFragment(p)
	if !ok {
		r.counts.Cut++
		return false
	}
	d := r.find(p)
	switch d.insert(p, header, data) {
	case pieceTaken:
		r.resize(d)
		if d.last && d.have == d.end {
			r.drop(d)
			return r.finish(p, d)
		}
	case pieceUseless:
		r.counts.Cut++
	case pieceDuplicate:
		r.counts.Duplicates++
	case pieceContradicts:
		r.counts.Refused++
		r.drop(d)
	}
	r.evict()
	return false
}

// Counts is what has happened so far, and what waits now.
func (r *Reassembler) Counts() ReassemblyCounts {
	c := r.counts
	c.Waiting, c.Bytes = len(r.waiting), r.bytes
	return c
}

// Expire gives up what has waited too long at that time (nanoseconds since 1970). Add does so by itself; who has no
// fragments to add may call it.
func (r *Reassembler) Expire(now int64) {
	for i, limit := range [...]time.Duration{ReassemblyTime4, ReassemblyTime6} {
		for d := r.ages[i].first; d != nil && now-d.born > int64(limit); d = r.ages[i].first {
			r.counts.TimedOut++
			r.drop(d)
		}
	}
}

// splitFragment gives what stood before the data in a first piece (without IPv6's fragment header), and the data. Not ok
// is a piece that is not all there, or that no sender makes.
func splitFragment(p *Packet) (header, data []byte, ok bool) {
	b := p.Network
	if p.Version == 4 {
		size := int(b[0]&15) * 4
		if int(binary.BigEndian.Uint16(b[2:])) != len(b) || len(b) < size {
			return nil, nil, false
		}
		return b[:size], b[size:], true
	}
	if int(binary.BigEndian.Uint16(b[4:])) != len(b)-ipv6HeaderLength {
		return nil, nil, false
	}
	at, next := ipv6HeaderLength, b[6]
	for next != ProtocolFragment { // Decode went this way, so it ends
		size := extensionLength(next, b[at:])
		next, at = b[at], at+size
	}
	return b[:at], b[at+fragmentHeaderLen:], true
}

// find gives the datagram that p belongs to, if need be a new one.
func (r *Reassembler) find(p *Packet) *partial {
	key := fragmentKey{src: p.Src, dst: p.Dst, id: p.FragmentID, iface: p.Interface, vlan: p.VLAN, version: p.Version,
		stackSize: p.VLANs}
	if p.Version == 4 {
		key.protocol = p.Network[9] // p.Protocol may be another: only the first piece has the authentication header
	}
	d := r.waiting[key]
	if d == nil {
		d = &partial{key: key, born: p.Time}
		if r.waiting == nil {
			r.waiting = make(map[fragmentKey]*partial)
		}
		r.waiting[key] = d
		r.age(d).push(d)
		r.resize(d)
	}
	return d
}

func (r *Reassembler) age(d *partial) *ageList {
	if d.key.version == 4 {
		return &r.ages[0]
	}
	return &r.ages[1]
}

// drop forgets d; its bytes remain for who still has it.
func (r *Reassembler) drop(d *partial) {
	delete(r.waiting, d.key)
	r.age(d).remove(d)
	r.bytes -= d.size
}

func (r *Reassembler) resize(d *partial) {
	size := partialOverhead + cap(d.header) + cap(d.data) + cap(d.pieces)*pieceSize
	r.bytes += size - d.size
	d.size = size
}

// evict gives up the oldest until the rest is within the bounds.
func (r *Reassembler) evict() {
	maxBytes, maxDatagrams := r.MaxBytes, r.MaxDatagrams
	if maxBytes <= 0 {
		maxBytes = DefaultReassemblyBytes
	}
	if maxDatagrams <= 0 {
		maxDatagrams = DefaultReassemblyDatagrams
	}
	for len(r.waiting) > 0 && (r.bytes > maxBytes || len(r.waiting) > maxDatagrams) {
		oldest, other := r.ages[0].first, r.ages[1].first
		if oldest == nil || other != nil && other.born < oldest.born {
			oldest = other
		}
		r.counts.Evicted++
		r.drop(oldest)
	}
}

type insertion uint8

const (
	pieceTaken insertion = iota
	pieceUseless
	pieceDuplicate
	pieceContradicts
)

// insert follows ip_frag_queue, ip6_frag_queue and inet_frag_queue_insert of Linux.
func (d *partial) insert(p *Packet, header, data []byte) insertion {
	off, end := p.FragmentOffset, p.FragmentOffset+len(data)
	switch {
	case p.Version == 6 && (end+len(header) > maxWhole6 || p.MoreFragments && end%8 != 0):
		return pieceUseless
	case p.MoreFragments:
		end &^= 7 // all but the last piece end at a multiple of 8
	}
	if end <= off || !d.endsAt(end, !p.MoreFragments) {
		return pieceContradicts
	}
	at, result := d.place(int32(off), int32(end))
	if result != pieceTaken {
		return result
	}
	run := int32(len(d.pieces))
	if at > 0 && at == len(d.pieces) && d.pieces[at-1].end == int32(off) {
		run = d.pieces[at-1].run
	}
	d.pieces = slices.Insert(d.pieces, at, piece{int32(off), int32(end), int32(len(d.data)), run})
	d.data = append(d.data, data[:end-off]...)
	d.have += end - off
	if off == 0 {
		d.header = wholeHeader(p, header)
	}
	return pieceTaken
}

// endsAt notes what a piece says of where the datagram ends, and is false if that contradicts what others said.
func (d *partial) endsAt(end int, last bool) bool {
	if last && (end < d.end || d.last && end != d.end) || end > d.end && d.last {
		return false
	}
	d.end, d.last = max(d.end, end), d.last || last
	return true
}

// place finds where among the pieces a new one belongs. It is a duplicate within one run, and contradicts if it lies within
// pieces that touch but came in another order: so it is with the kernel, which does not look.
func (d *partial) place(off, end int32) (int, insertion) {
	at, _ := slices.BinarySearchFunc(d.pieces, off, func(p piece, off int32) int { // the first that ends after off
		if p.end <= off {
			return -1
		}
		return 1
	})
	if at == len(d.pieces) || d.pieces[at].off >= end {
		return at, pieceTaken
	}
	if d.pieces[at].off > off {
		return 0, pieceContradicts
	}
	covered := d.pieces[at].end
	for _, next := range d.pieces[at+1:] {
		if next.run != d.pieces[at].run {
			break
		}
		covered = next.end
	}
	if covered >= end {
		return 0, pieceDuplicate
	}
	return 0, pieceContradicts
}

// wholeHeader is a copy of the first piece's header that no longer says "fragment". Its length is not set yet.
func wholeHeader(p *Packet, header []byte) []byte {
	h := slices.Clone(header)
	if p.Version == 4 {
		h[6], h[7] = h[6]&0x40, 0 // "do not fragment" may stay
		return h
	}
	after := p.Network[len(header)] // what the fragment header says comes next
	at, next := ipv6HeaderLength, &h[6]
	for *next != ProtocolFragment {
		size := extensionLength(*next, h[at:])
		next, at = &h[at], at+size
	}
	*next = after
	return h
}

// finish makes p the whole packet of d.
func (r *Reassembler) finish(p *Packet, d *partial) bool {
	if d.key.version == 4 && d.end+len(d.header) > maxWhole4 {
		r.counts.Refused++
		return false
	}
	b := append(r.whole[:0], d.header...)
	for _, piece := range d.pieces {
		b = append(b, d.data[piece.pos:][:piece.end-piece.off]...)
	}
	r.whole = b
	r.counts.Whole++
	q := Packet{No: p.No, Time: p.Time, Length: p.Length, Interface: p.Interface, Outgoing: p.Outgoing, Link: p.Link, VLAN: p.VLAN,
		VLANs: p.VLANs, EtherType: p.EtherType, Fragments: len(d.pieces)}
	if d.key.version == 4 {
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		b[10], b[11] = 0, 0
		binary.BigEndian.PutUint16(b[10:], Checksum(b[:len(d.header)]))
		q.readIPv4(b, 0)
	} else {
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)-ipv6HeaderLength))
		q.readIPv6(b, 0)
	}
	q.FragmentID = d.key.id
	if q.Fragment { // a fragment within a fragment
		q.note(Malformed)
		q.Fragment, q.MoreFragments, q.FragmentOffset = false, false, 0
	}
	*p = q
	return true
}

// An ageList holds datagrams, the one that came first at its beginning.
type ageList struct{ first, newest *partial }

func (l *ageList) push(d *partial) {
	d.prev = l.newest
	if l.newest == nil {
		l.first = d
	} else {
		l.newest.next = d
	}
	l.newest = d
}

func (l *ageList) remove(d *partial) {
	if d.prev == nil {
		l.first = d.next
	} else {
		d.prev.next = d.next
	}
	if d.next == nil {
		l.newest = d.prev
	} else {
		d.next.prev = d.prev
	}
	d.prev, d.next = nil, nil
}
