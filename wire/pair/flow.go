package pair

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"net/netip"

	"dgram/wire"
	"dgram/wire/app"
)

// A key names a conversation: two ends in a fixed order, whichever of them speaks.
type key struct {
	low, high end
	ports     uint32 // of low, and of high
	protocol  uint8
}

// An end is an address as 128 bits; of a unix socket, a hash of its name.
type end struct{ hi, lo uint64 }

func (e end) less(o end) bool { return e.hi < o.hi || e.hi == o.hi && e.lo < o.lo }

// What stands for the IP protocol where there is none: 253 and 254 are never used (RFC 3692), so they can name unix
// datagrams and what is asked and answered among a whole group.
const (
	unixKey  = 253
	groupKey = 254
)

// is says whether both are the same, field by field: faster here than ==, which has to mind the padding.
func (k *key) is(o *key) bool {
	return k.low.lo == o.low.lo && k.high.lo == o.high.lo && k.ports == o.ports && k.low.hi == o.low.hi && k.high.hi == o.high.hi &&
		k.protocol == o.protocol
}

// A direction is 0 from a key's low end to its high one, 1 the other way.
type direction = uint8

// keyOf returns the key of p and its direction; false: p belongs to no conversation.
func (t *Tracker) keyOf(p *wire.Packet, m *app.Message) (k key, d direction, ok bool) {
	switch {
	case m.Protocol == app.MDNS || m.Protocol == app.DHCP || m.Protocol == app.DHCPv6:
		// Questions go to a group and answers to that group, or to an address that the asker does not have yet.
		if m.Kind == app.Reply {
			d = 1
		}
		return key{high: end{lo: 1}, ports: uint32(m.Protocol), protocol: groupKey}, d, true
	case p.HasPorts && !p.Fragment && m.Protocol != app.TCP:
		k, d = orderedKey(endOf(p.Src), endOf(p.Dst), p.SrcPort, p.DstPort, p.Protocol)
		return k, d, true
	case m.HasIdentity: // an ICMP echo
		k, d = orderedKey(endOf(p.Src), endOf(p.Dst), 0, 0, p.Protocol)
		if k.low == k.high && m.Kind == app.Reply {
			d = 1 // somebody pings himself
		}
		return k, d, true
	case m.Protocol == app.Unix && p.UnixDst != "":
		k, d = orderedKey(t.unixEnd(p.UnixSrc), t.unixEnd(p.UnixDst), 0, 0, unixKey)
		return k, d, true
	}
	return key{}, 0, false
}

func orderedKey(src, dst end, srcPort, dstPort uint16, protocol uint8) (key, direction) {
	if dst.less(src) || dst == src && dstPort < srcPort {
		return key{dst, src, uint32(dstPort)<<16 | uint32(srcPort), protocol}, 1
	}
	return key{src, dst, uint32(srcPort)<<16 | uint32(dstPort), protocol}, 0
}

func endOf(a netip.Addr) end {
	if a.Is4() { // as an IPv4-mapped IPv6 address
		b := a.As4()
		return end{lo: 0xffff<<32 | uint64(binary.BigEndian.Uint32(b[:]))}
	}
	b := a.As16()
	return end{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// unixEnd stands for a unix socket.
func (t *Tracker) unixEnd(name string) end {
	return end{maphash.String(t.seed, name), uint64(len(name))}
}

// addr undoes endOf.
func (e end) addr() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], e.hi)
	binary.BigEndian.PutUint64(b[8:], e.lo)
	return netip.AddrFrom16(b).Unmap()
}

// from and to are the two ends of a direction, with their ports.
func (k *key) from(d direction) (end, uint16) {
	if d == 0 {
		return k.low, uint16(k.ports >> 16)
	}
	return k.high, uint16(k.ports)
}

func (k *key) to(d direction) (end, uint16) { return k.from(1 - d) }

// hash mixes the key with this tracker's secret, so that nobody can choose addresses that collide.
func (t *Tracker) hash(k *key) uint32 {
	a := fold(k.low.hi^t.secret[0], k.low.lo^t.secret[1])
	b := fold(k.high.hi^t.secret[1], k.high.lo^t.secret[2])
	c := fold(a^b<<1^t.secret[3], uint64(k.ports)<<8^uint64(k.protocol)^t.secret[0])
	return uint32(c >> 32)
}

// endHash is that of one end.
func (t *Tracker) endHash(e end, port uint16, protocol uint8) uint32 {
	a := fold(e.hi^t.secret[2], e.lo^t.secret[3])
	return uint32(fold(a^t.secret[0], uint64(port)<<8^uint64(protocol)^t.secret[1]) >> 32)
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// A flow is a conversation that is going on: 256 bytes, four cache lines. What every packet touches stands first,
// and in the first line whatever finding, joining and leaving it takes.
type flow struct {
	key    key
	hash   uint32
	marks  marks
	server direction // that of what the server sends
	client direction // of the first packet, where the flow stands among those of its sender
	oldest uint8     // of recent
	last   int64     // when its last packet was captured, ns

	elder, younger uint32 // flows with the same client; 0: none

	sides [2]side // what goes into each direction

	recent [4]recent // the requests that were answered last

	first          int64 // when it began
	minRTT, maxRTT int64
	pairs, lost    uint32
	refused        uint16 // at most so many
	doubtful       uint16 // of the lost: requests that may have wanted no reply

	parent     uint32 // the flow whose requests are answered here, if there is one
	parentHash uint32 // its hash, by which it is known that it still is that one
	protocol   app.Protocol
	kinship    kinship
}

// marks are what is known of a flow.
type marks uint8

const (
	oneWay  marks = 1 << iota // only one side speaks, and not to ask
	echoing                   // replies have been like their requests, but for case
	toGroup                   // to a multicast or broadcast address
	heard                     // something has answered, perhaps from elsewhere
	used                      // the record is a flow's
	joined                    // it stands among the flows of its client
)

// A side is what one end sends.
type side struct {
	packets, bytes uint64
	lastNo         uint64
	lastHash       uint16 // of the payload
	novel          uint16 // datagrams unlike the one before, while nothing has come back

	// Requests of this side: those that wait, oldest first, and those that were given up, latest last.
	waiting, waitingLast, givenUp uint32
}

// A recent is a request that was answered.
type recent struct {
	no        uint64
	id, reply uint32 // parts of the hashes of its identity and of its latest reply
}

// A kinship says why packets of one flow may answer requests of another.
type kinship uint8

const (
	noKin    kinship = iota
	member           // the request went to a group
	moved            // the server answers from a port of its own for each client (TFTP)
	stranger         // nobody asked there
)

// remember keeps an answered request.
func (f *flow) remember(r recent) {
	f.recent[f.oldest] = r
	f.oldest = (f.oldest + 1) % uint8(len(f.recent))
}

// latest is the request that was answered last, back places before that where back is not 0; its no is 0 where there is none.
func (f *flow) latest(back int) *recent {
	return &f.recent[(int(f.oldest)+2*len(f.recent)-1-back)%len(f.recent)]
}

// answered finds the request with that identity among those that were answered last.
func (f *flow) answered(id uint32) *recent {
	for back := range f.recent {
		if r := f.latest(back); r.no != 0 && r.id == id {
			return r
		}
	}
	return nil
}

// repeated finds the request that was answered by the same bytes.
func (f *flow) repeated(reply uint32) *recent {
	for back := range f.recent {
		if r := f.latest(back); r.no != 0 && r.reply == reply {
			return r
		}
	}
	return nil
}
