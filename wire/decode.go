package wire

import "encoding/binary"

// Decode reads f into p. Whatever p held before is gone, but for No. It allocates nothing, unless a unix datagram names
// other ends than the one that p held before.
//
// It never fails: what could be read stands in p, and p.Problem says why it was not more. A packet whose headers are all
// there and whose payload was cut by the capture has Problem CutShort.
func Decode(f *Frame, p *Packet) {
	no, unixSrc, unixDst := p.No, p.UnixSrc, p.UnixDst
	*p = Packet{}
	p.No, p.Time, p.Length, p.Interface, p.Outgoing, p.Link = no, f.Time, f.Length, f.Interface, f.Outgoing, f.Link
	missing := max(f.Length-len(f.Data), 0)
	switch f.Link {
	case LinkEthernet:
		p.readEthernet(f.Data, missing)
	case LinkRaw, LinkRawBSD, LinkIPv4, LinkIPv6:
		p.readRaw(f.Data, missing)
	case LinkSLL:
		p.readSLL(f.Data, missing)
	case LinkSLL2:
		p.readSLL2(f.Data, missing)
	case LinkNull, LinkLoop:
		p.readNull(f.Data, missing)
	case LinkUpperPDU:
		p.UnixSrc, p.UnixDst = unixSrc, unixDst
		p.readUpperPDU(f.Data, missing)
	default:
		p.Problem = UnknownLink
	}
}

// The readers below get the bytes at hand, and how many the wire had behind them that the capture did not keep.

// note keeps what is wrong. That the payload was cut short is the least of what can be said.
func (p *Packet) note(problem Problem) {
	if p.Problem == NoProblem || p.Problem == CutShort {
		p.Problem = problem
	}
}

// short notes that a header is not all there: the capture's doing, or the sender's.
func (p *Packet) short(missing int) {
	if missing > 0 {
		p.note(CutShort)
	} else {
		p.note(Malformed)
	}
}

// limit cuts b to the length that a header gives, and says how many bytes are missing from that.
func (p *Packet) limit(b []byte, length, missing int) ([]byte, int) {
	switch {
	case length <= len(b):
		return b[:length:length], 0
	case length <= len(b)+missing:
		p.note(CutShort)
	default: // the header wants more than there was
		p.note(Malformed)
	}
	return b, length - len(b)
}

// The EtherTypes that mean something here (https://www.iana.org/assignments/ieee-802-numbers).
const (
	etherIPv4  = 0x0800
	etherIPv6  = 0x86dd
	etherVLAN  = 0x8100 // 802.1Q
	etherVLANs = 0x88a8 // 802.1ad
	etherQinQ  = 0x9100 // what was used before 802.1ad
)

// maxVLANs is more tags than anybody stacks.
const maxVLANs = 8

func (p *Packet) readEthernet(b []byte, missing int) {
	if len(b) < 14 {
		p.short(missing)
		return
	}
	p.readEtherType(binary.BigEndian.Uint16(b[12:]), b[14:], missing)
}

// readEtherType goes through VLAN tags to what they say comes next.
func (p *Packet) readEtherType(t uint16, b []byte, missing int) {
	for t == etherVLAN || t == etherVLANs || t == etherQinQ {
		p.EtherType = t
		if p.VLANs == maxVLANs {
			p.note(TooManyHeaders)
			return
		}
		if len(b) < 4 {
			p.short(missing)
			return
		}
		p.VLAN = binary.BigEndian.Uint16(b) & 0xfff
		p.VLANs++
		t, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	p.EtherType = t
	switch t {
	case etherIPv4:
		p.readIPv4(b, missing)
	case etherIPv6:
		p.readIPv6(b, missing)
	default:
		p.note(NotIP)
	}
}

// readRaw reads what begins with an IP header, which says its version itself.
func (p *Packet) readRaw(b []byte, missing int) {
	if len(b) == 0 {
		p.short(missing)
		return
	}
	switch version := b[0] >> 4; {
	case version == 4 && p.Link != LinkIPv6:
		p.readIPv4(b, missing)
	case version == 6 && p.Link != LinkIPv4:
		p.readIPv6(b, missing)
	case p.Link == LinkIPv4 || p.Link == LinkIPv6:
		p.note(Malformed)
	default:
		p.note(NotIP)
	}
}

// packetOutgoing is PACKET_OUTGOING of packet(7).
const packetOutgoing = 4

// readSLL reads Linux's "cooked" header of 16 bytes (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html).
func (p *Packet) readSLL(b []byte, missing int) {
	if len(b) < 16 {
		p.short(missing)
		return
	}
	p.Outgoing = p.Outgoing || binary.BigEndian.Uint16(b) == packetOutgoing
	p.readEtherType(binary.BigEndian.Uint16(b[14:]), b[16:], missing)
}

// readSLL2 reads the second one, of 20 bytes (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html).
func (p *Packet) readSLL2(b []byte, missing int) {
	if len(b) < 20 {
		p.short(missing)
		return
	}
	p.Outgoing = p.Outgoing || b[10] == packetOutgoing
	p.readEtherType(binary.BigEndian.Uint16(b), b[20:], missing)
}

// readNull reads BSD's loopback header: a family, in whichever byte order. The number of IPv6 differs between systems.
func (p *Packet) readNull(b []byte, missing int) {
	if len(b) < 4 {
		p.short(missing)
		return
	}
	family := binary.BigEndian.Uint32(b)
	if family > 0xffff {
		family = binary.LittleEndian.Uint32(b)
	}
	switch family {
	case 2:
		p.readIPv4(b[4:], missing)
	case 10, 24, 28, 30: // Linux; NetBSD and OpenBSD; FreeBSD; macOS
		p.readIPv6(b[4:], missing)
	default:
		p.note(NotIP)
	}
}
