package filter

import (
	"encoding/binary"
	"slices"

	"dgram/wire"
)

// Match decides about a packet: f as it was captured and p as wire.Decode read it, or as wire.Reassembler put it together when f
// completed it. The program of Compile and Match agree about every frame that is not a fragment and has no IPv6 extension headers;
// the package comment says what Match sees beyond. It allocates nothing.
//
// Where Compile refuses a link type, the test is false: compile a filter once for a file's link types to be able to say so.
func (f *Filter) Match(frame *wire.Frame, p *wire.Packet) bool {
	if f.All() {
		return true
	}
	v := view{frame: frame, packet: p}
	v.head, _ = headerOf(frame.Link)
	v.look()
	return v.test(f.root) && !v.cut
}

// A view is what a test sees of a packet.
type view struct {
	frame  *wire.Frame
	packet *wire.Packet
	head   header
	tags   int  // VLAN tags passed so far
	cut    bool // bytes that a test needs are not there: nothing matches any more

	kind    uint16 // the type of what the link layer carries, 0 unknown
	missing bool   // the bytes that say it are not there
	network []byte // from the IP header on, with whatever the frame has behind it
	whole   bool   // network was put together from fragments
	decoded bool   // packet says what is in network
}

// look reads the link layer, behind the tags passed so far.
func (v *view) look() {
	f, p, at := v.frame, v.packet, v.head.size+4*v.tags
	v.network = f.Data[min(at, len(f.Data)):]
	v.decoded = p.Version != 0 && int(p.VLANs) == v.tags
	v.whole = v.decoded && p.Fragments > 1
	if v.whole {
		v.network = p.Network
	}
	v.kind, v.missing = v.linkKind()
}

func (v *view) linkKind() (kind uint16, missing bool) {
	data := v.frame.Data
	switch v.frame.Link {
	case wire.LinkEthernet, wire.LinkSLL, wire.LinkSLL2:
		at := v.head.typeAt + 4*v.tags
		if len(data) < at+2 {
			return 0, true
		}
		return binary.BigEndian.Uint16(data[at:]), false
	case wire.LinkIPv4:
		return typeIP, false
	case wire.LinkIPv6:
		return typeIP6, false
	case wire.LinkRaw, wire.LinkRawBSD:
		if len(data) == 0 {
			return 0, true
		}
		return map4or6(data[0]>>4 == 4, data[0]>>4 == 6), false
	case wire.LinkNull, wire.LinkLoop:
		if len(data) < 4 {
			return 0, true
		}
		family := binary.BigEndian.Uint32(data)
		if family > 0xffff {
			family = binary.LittleEndian.Uint32(data)
		}
		return map4or6(family == 2, slices.Contains([]uint32{10, 24, 28, 30}, family)), false
	}
	return 0, false
}

func map4or6(is4, is6 bool) uint16 {
	switch {
	case is4:
		return typeIP
	case is6:
		return typeIP6
	}
	return 0
}

// is asks for the type of the payload.
func (v *view) is(kind uint16) bool {
	if v.head.typeAt < 0 && kind != typeIP && kind != typeIP6 {
		return false // no need to look
	}
	v.cut = v.cut || v.missing
	return v.kind == kind && !v.missing
}

// number reads size bytes of b.
func (v *view) number(b []byte, at uint64, size int) uint32 {
	if at > uint64(len(b)) || uint64(len(b))-at < uint64(size) {
		v.cut = true
		return 0
	}
	switch b = b[at:]; size {
	case 1:
		return uint32(b[0])
	case 2:
		return uint32(binary.BigEndian.Uint16(b))
	}
	return binary.BigEndian.Uint32(b)
}

func (v *view) test(n node) bool {
	switch n := n.(type) {
	case *andNode:
		if !v.test(n.left) {
			v.skip(n.right)
			return false
		}
		return !v.cut && v.test(n.right)
	case *orNode:
		if v.test(n.left) {
			v.skip(n.right)
			return true
		}
		return !v.cut && v.test(n.right)
	case *notNode:
		return !v.test(n.of)
	case *etherType:
		return v.is(n.number)
	case *protocol:
		return v.carries(n)
	case *host:
		return v.host(n)
	case *host6:
		return v.host6(n)
	case *port:
		return v.port(n)
	case *mac:
		return v.ethernet() && v.ends(n.dir, 6, 0, func(at uint64) bool { return v.mac(n, at) })
	case *cast:
		return v.cast(n)
	case *vlan:
		return v.vlan(n)
	case *way:
		return v.outgoing() == n.out
	case *relation:
		return v.guarded(n.left) && v.guarded(n.right) && compare(n.op, v.value(n.left), v.value(n.right))
	}
	return true // allNode
}

// skip goes past the tags of what need not be asked any more.
func (v *view) skip(n node) {
	tags := 0
	if v.ethernet() {
		tags = countTags(n)
	}
	if tags > 0 {
		v.tags += tags
		v.look()
	}
}

func countTags(n node) int {
	switch n := n.(type) {
	case *andNode:
		return countTags(n.left) + countTags(n.right)
	case *orNode:
		return countTags(n.left) + countTags(n.right)
	case *notNode:
		return countTags(n.of)
	case *vlan:
		return 1
	}
	return 0
}

func (v *view) ethernet() bool { return v.frame.Link == wire.LinkEthernet }

func (v *view) vlan(n *vlan) bool {
	if !v.ethernet() {
		return false
	}
	found := false
	for _, kind := range tagTypes {
		found = found || v.is(uint16(kind))
	}
	if found && n.id >= 0 {
		found = v.number(v.network, 0, 2)&0xfff == uint32(n.id)
	}
	v.tags++
	v.look()
	return found
}

func (v *view) outgoing() bool {
	switch v.frame.Link {
	case wire.LinkSLL:
		return v.number(v.frame.Data, 0, 2) == sentByUs
	case wire.LinkSLL2:
		return v.number(v.frame.Data, 10, 1) == sentByUs
	}
	return v.frame.Outgoing
}

// ends asks one end, either, or both, in the order in which tcpdump does.
func (v *view) ends(dir direction, src, dst uint64, end func(at uint64) bool) bool {
	switch dir {
	case srcEnd:
		return end(src)
	case dstEnd:
		return end(dst)
	case bothEnds:
		return end(src) && end(dst)
	}
	return end(src) || !v.cut && end(dst)
}

func (v *view) mac(n *mac, at uint64) bool {
	return v.number(v.frame.Data, at+2, 4) == binary.BigEndian.Uint32(n.addr[2:]) &&
		v.number(v.frame.Data, at, 2) == uint32(binary.BigEndian.Uint16(n.addr[:]))
}

func (v *view) cast(n *cast) bool {
	switch {
	case n.of == linkProto && !v.ethernet():
		return false
	case n.of == linkProto && n.broadcast:
		return v.number(v.frame.Data, 2, 4) == 0xffffffff && v.number(v.frame.Data, 0, 2) == 0xffff
	case n.of == linkProto:
		return v.number(v.frame.Data, 0, 1)&1 != 0
	case n.of == ip6Proto:
		return v.is(typeIP6) && v.number(v.network, 24, 1) == 0xff
	case n.broadcast:
		return v.is(typeIP) && v.number(v.network, 16, 4)+1 <= 1 // 0 or 0xffffffff
	}
	return v.is(typeIP) && v.number(v.network, 16, 1) >= 0xe0
}

func compare(op string, a, b uint32) bool {
	switch op {
	case "=":
		return a == b
	case "!=":
		return a != b
	case "<":
		return a < b
	case ">":
		return a > b
	case "<=":
		return a <= b
	}
	return a >= b
}
